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

const deletePod = (namespace: string, name: string) =>
  admin().call('DELETE', `/api/v1/namespaces/${namespace}/pods/${name}`, {
    query: { gracePeriodSeconds: '0' },
  });

describe('a mirror', () => {
  test('that is added fills itself from the Pods that run, and one that is taken out leaves', async () => {
    const namespace = await freshNamespace();
    const { digest } = await pushImage(source, 'team/width:1');
    const image = `${source.host}/team/width:1`;
    const first = { registry: mirror.host, path: `/${namespace}` };
    const other = { registry: second.host, path: `/${namespace}` };
    const path = await mirrorTo(namespace, [first]);
    await createPod(namespace, image);
    await becomes(path, image, 'Available');
    await admin().merge(path, { spec: { mirrors: [first, other] } });
    await eventually('the second mirror has it', async () => {
      const copies = (await entryOf(path, image))?.mirrors ?? [];
      return copies.length === 2 && copies.every(({ state }) => state === 'Available');
    });
    expect(await digestAt(second, `${namespace}/team/width`, '1')).toBe(digest);
    await admin().merge(path, { spec: { mirrors: [other] } });
    await eventually('the first is not in the status any more', async () => {
      const copies = (await entryOf(path, image))?.mirrors ?? [];
      return copies.length === 1 && copies[0]?.image.startsWith(second.host);
    });
    expect(await digestAt(mirror, `${namespace}/team/width`, '1')).toBe(digest);
  });

  test('that is down holds up nobody else, and is filled when it is back', async () => {
    const namespace = await freshNamespace();
    await pushImage(source, 'team/down:1');
    const image = `${source.host}/team/down:1`;
    const dead = await startRegistry();
    onTestFinished(() => dead.remove());
    await dead.stop();
    const path = await mirrorTo(namespace, [
      { registry: dead.host, path: `/${namespace}` },
      { registry: mirror.host, path: `/${namespace}` },
    ]);
    await createPod(namespace, image);
    const [down] = await eventually('one copy stands, the other backs off', async () => {
      const copies = (await entryOf(path, image))?.mirrors ?? [];
      return copies[0]?.state === 'BackingOff' && copies[1]?.state === 'Available' && copies;
    });
    expect(down?.lastError).toContain(dead.host);
    await dead.start();
    await eventually('it is copied there, too', async () => {
      const copies = (await entryOf(path, image))?.mirrors ?? [];
      return copies.every(({ state }) => state === 'Available');
    });
  });

  test('that lost a copy gets it again as soon as a review has seen that', async () => {
    const namespace = await freshNamespace();
    const { digest } = await pushImage(source, 'team/lost:1');
    const image = `${source.host}/team/lost:1`;
    const mirrors = [{ registry: mirror.host, path: `/${namespace}` }];
    const path = await mirrorTo(namespace, mirrors, { priority: -1 });
    await createPod(namespace, image);
    await becomes(path, image, 'Available');
    const repository = `${namespace}/team/lost`;
    await registryRequest(mirror, { method: 'DELETE', path: `/v2/${repository}/manifests/1` });
    expect(await digestAt(mirror, repository, '1')).toBeUndefined();
    await createPod(namespace, image);
    await eventually('it is there again', async () => {
      return (await digestAt(mirror, repository, '1')) === digest;
    });
    await becomes(path, image, 'Available');
  });
});

describe('a copy that nobody uses any more', { timeout: 120_000 }, () => {
  const cleanup = { cleanup: { enabled: true, retention: '1s' } };
  const slow = { withinMs: 75_000, everyMs: 500 };

  test('is Expired after its retention, then deleted, and its entry goes', async () => {
    const namespace = await freshNamespace();
    await pushImage(source, 'team/unused:1');
    const image = `${source.host}/team/unused:1`;
    const mirrors = [{ registry: mirror.host, path: `/${namespace}` }];
    const path = await mirrorTo(namespace, mirrors, cleanup);
    const pod = await createPod(namespace, image);
    await becomes(path, image, 'Available');
    const { metadata } = await admin().get(path);
    expect(metadata.finalizers).toEqual(['kuik.enix.io/mirror-cleanup']);
    await deletePod(namespace, pod);
    await becomes(path, image, 'Expired');
    expect(await digestAt(mirror, `${namespace}/team/unused`, '1')).toBeDefined();
    await eventually(
      'its entry is gone',
      async () => (await entryOf(path, image)) === undefined,
      slow,
    );
    expect(await digestAt(mirror, `${namespace}/team/unused`, '1')).toBeUndefined();
  });

  test('comes back when a Pod wants it before it is deleted', async () => {
    const namespace = await freshNamespace();
    await pushImage(source, 'team/back:1');
    const image = `${source.host}/team/back:1`;
    const mirrors = [{ registry: mirror.host, path: `/${namespace}` }];
    const path = await mirrorTo(namespace, mirrors, cleanup);
    const pod = await createPod(namespace, image);
    await becomes(path, image, 'Available');
    await deletePod(namespace, pod);
    await becomes(path, image, 'Expired');
    await createPod(namespace, image);
    await becomes(path, image, 'Available');
  });

  test('goes with its resource, where that cleans up; what a Pod runs stays', async () => {
    const namespace = await freshNamespace();
    await pushImage(source, 'team/gone:1');
    await pushImage(source, 'team/runs:1');
    const mirrors = [{ registry: mirror.host, path: `/${namespace}` }];
    const path = await mirrorTo(namespace, mirrors, cleanup);
    const [gone, runs] = ['gone', 'runs'].map((name) => `${source.host}/team/${name}:1`);
    await createPod(namespace, gone ?? '');
    await createPod(namespace, runs ?? '');
    await becomes(path, gone ?? '', 'Available');
    await becomes(path, runs ?? '', 'Available');
    await createPod(namespace, `${mirror.host}/${namespace}/team/runs:1`);
    await admin().remove(path);
    await eventually(
      'the resource is gone',
      async () => {
        const { status } = await admin().call('GET', path);
        return status === 404;
      },
      slow,
    );
    expect(await digestAt(mirror, `${namespace}/team/gone`, '1')).toBeUndefined();
    expect(await digestAt(mirror, `${namespace}/team/runs`, '1')).toBeDefined();
  });
});
