import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { createPod as createIn, oneContainer } from '#test/support/operator/created-pod.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryRequest } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Images of real Pods, copied from one real registry to others, and what is told of them. */
let operator: OperatorProcess;
let source: TestRegistry;
let mirror: TestRegistry;
let second: TestRegistry;

beforeAll(async () => {
  [source, mirror, second, operator] = await Promise.all([
    startRegistry(),
    startRegistry(),
    startRegistry(),
    startOperator({ adminKubeconfig: adminKubeconfig() }),
  ]);
});

afterAll(async () => {
  await operator?.stop();
  await Promise.all([source?.remove(), mirror?.remove(), second?.remove()]);
});

interface Copy {
  readonly image: string;
  readonly state: string;
  readonly digest?: string;
  readonly mirroredAt?: string;
  readonly lastError?: string;
}

interface Entry {
  readonly image: string;
  readonly unusedSince?: string;
  readonly mirrors: readonly Copy[];
}

const pathOf = (namespace: string, name = 'copies') =>
  `/apis/kuik.enix.io/v1alpha1/namespaces/${namespace}/imagesetmirrors/${name}`;

/** A resource about the Pods of its namespace. */
async function mirrorTo(
  namespace: string,
  mirrors: readonly object[],
  spec: object = {},
): Promise<string> {
  const path = pathOf(namespace);
  await admin().create(path.slice(0, path.lastIndexOf('/')), {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ImageSetMirror',
    metadata: { name: 'copies', namespace },
    spec: { imageFilter: { include: ['.+'] }, mirrors, ...spec },
  });
  onTestFinished(() => admin().remove(path));
  return path;
}

async function createPod(namespace: string, image: string, spec: object = {}): Promise<string> {
  const { pod } = await createIn(namespace, { ...oneContainer(image), ...spec });
  return pod.metadata.name;
}

async function entryOf(path: string, image: string): Promise<Entry | undefined> {
  const { status } = await admin().get(path);
  return (status?.matchingImages as Entry[] | undefined)?.find((one) => one.image === image);
}

/** Waits until the status has the first copy so. */
async function becomes(path: string, image: string, state: string): Promise<Copy> {
  return await eventually(`the copy of ${image} is ${state}`, async () => {
    const copy = (await entryOf(path, image))?.mirrors[0];
    expect(copy).toMatchObject({ state });
    return copy;
  });
}

/** The digest that a registry shows under a tag; undefined where there is none. */
async function digestAt(registry: TestRegistry, repository: string, tag: string) {
  const { status, headers } = await registryRequest(registry, {
    method: 'HEAD',
    path: `/v2/${repository}/manifests/${tag}`,
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  return status === 200 ? String(headers['docker-content-digest']) : undefined;
}

describe('an image that a Pod runs', () => {
  test('is copied to the mirror, and the status says so', async () => {
    const namespace = await freshNamespace();
    const { digest } = await pushImage(source, 'team/app:1');
    const path = await mirrorTo(namespace, [{ registry: mirror.host, path: `/${namespace}` }]);
    const image = `${source.host}/team/app:1`;
    await createPod(namespace, image);
    const copy = await becomes(path, image, 'Available');
    expect(copy).toMatchObject({
      ...{ image: `${mirror.host}/${namespace}/team/app:1`, digest },
      mirroredAt: expect.stringMatching(/Z$/),
    });
    expect(await digestAt(mirror, `${namespace}/team/app`, '1')).toBe(digest);
    const { status } = await admin().get(path);
    expect(status).toMatchObject({ imageCount: 1, mirroredCount: 1, failedCount: 0 });
    const id = `mirrored-image:${mirror.host}/${namespace}/${image}`;
    const actor = await (await fetch(`${operator.debugUrl}/debug/actors/${id}`)).json();
    expect(actor).toMatchObject({ state: ['Available'] });
  });
});
