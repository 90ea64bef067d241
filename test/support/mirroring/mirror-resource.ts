import { expect, onTestFinished } from 'vitest';
import { admin } from '#test/support/api-server/plane.ts';
import { createPod as createIn, oneContainer } from '#test/support/operator/created-pod.ts';
import type { TestRegistry } from '#test/support/registries/registry.ts';
import { registryRequest } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** One copy, as a status tells it. */
export interface ToldCopy {
  readonly image: string;
  readonly state: string;
  readonly digest?: string;
  readonly mirroredAt?: string;
  readonly platforms?: readonly string[];
  readonly lastError?: string;
}

/** One image, as a status tells it. */
export interface ToldImage {
  readonly image: string;
  readonly unusedSince?: string;
  readonly mirrors: readonly ToldCopy[];
}

const pathOf = (namespace: string, name = 'copies') =>
  `/apis/kuik.enix.io/v1alpha1/namespaces/${namespace}/imagesetmirrors/${name}`;

/** A resource about the Pods of its namespace. */
export async function mirrorTo(
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

/** A Pod of one container; answers with its name. */
export async function createPod(
  namespace: string,
  image: string,
  spec: object = {},
): Promise<string> {
  const { pod } = await createIn(namespace, { ...oneContainer(image), ...spec });
  return pod.metadata.name;
}

/** What the status of a resource tells of an image. */
export async function entryOf(path: string, image: string): Promise<ToldImage | undefined> {
  const { status } = await admin().get(path);
  return (status?.matchingImages as ToldImage[] | undefined)?.find((one) => one.image === image);
}

/** Waits until the status has the first copy so. */
export async function becomes(path: string, image: string, state: string): Promise<ToldCopy> {
  return await eventually(`the copy of ${image} is ${state}`, async () => {
    const copy = (await entryOf(path, image))?.mirrors[0];
    expect(copy).toMatchObject({ state });
    return copy;
  });
}

/** The digest that a registry shows under a tag; undefined where there is none. */
export async function digestAt(registry: TestRegistry, repository: string, tag: string) {
  const { status, headers } = await registryRequest(registry, {
    method: 'HEAD',
    path: `/v2/${repository}/manifests/${tag}`,
    headers: {
      accept: 'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json',
    },
  });
  return status === 200 ? String(headers['docker-content-digest']) : undefined;
}

/** Ends a Pod at once. */
export async function deletePod(namespace: string, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  await admin().call('DELETE', path, { query: { gracePeriodSeconds: '0' } });
}
