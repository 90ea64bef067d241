import type { AvailabilityStage } from './availability-stage.ts';

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly annotations?: Record<string, string> };
    readonly spec: { readonly containers: readonly { readonly image: string }[] };
  }[];
}

/** So many are deleted at once. */
const atOnce = 16;

/** Deletes every Pod of the last `count` images, so that nobody wants their copies any more. */
export async function removeUnusedPods(
  { plane: { admin }, namespace, images, rewritten }: AvailabilityStage,
  count: number,
): Promise<void> {
  const gone = new Set(images.slice(-count).flatMap((image) => [image, rewritten(image)]));
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const { items } = (await admin.get(path)) as PodList;
  const names = items
    .filter(({ spec }) => spec.containers.some(({ image }) => gone.has(image)))
    .map(({ metadata }) => metadata.name);
  const worker = async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const query = { gracePeriodSeconds: '0' };
      await admin.call('DELETE', `${path}/${name}`, { query });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
