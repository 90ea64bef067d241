import type { TimerHeap } from '#actors/timer-heap.ts';
import type { ClusterImageSetAvailability } from '#api/image-set-availability.ts';
import type { KuikResource } from '#api/kinds.ts';
import { readMonitoredImage } from '#core/monitoring/monitored-image.ts';
import type { ImagesView, TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { Store } from '#kube/store.ts';
import { type AvailabilityStore, hasOverflow } from './availability-store.ts';

/**
 * Makes the view of all monitored images, on any replica: what this process tracks itself, and of
 * other resources what their status says, with their overflow where they have one.
 */
export function reportedImages(
  clock: TimerHeap,
  { tracked, resources, store }: ReportedImagesOptions,
): () => Promise<ImagesView> {
  const remembered = new Map<string, ReturnType<AvailabilityStore['restore']>>();
  const restore = (resource: string): ReturnType<AvailabilityStore['restore']> => {
    const known = remembered.get(resource);
    if (known !== undefined) return known;
    const restoring = store.restore(resource, AbortSignal.timeout(restoreWithinMs));
    remembered.set(resource, restoring);
    clock.after(rememberMs, () => remembered.delete(resource));
    return restoring;
  };
  const imagesOf = async ({ metadata, status }: ClusterImageSetAvailability) => {
    const whole = hasOverflow(status) ? await restore(metadata.name) : undefined;
    if (whole?.ok === true && whole.value.length > 0) return whole.value;
    return (status?.images ?? []).flatMap(
      (entry) => readMonitoredImage(metadata.name, entry) ?? [],
    );
  };
  return async () => {
    // Read anew each time: what is asked for may be gone through only once.
    const own = new Set(tracked.resources());
    const images = new Map<string, readonly TrackedImage[]>();
    for (const resource of resources.values()) {
      const { name } = resource.metadata;
      if (resource.kind !== 'ClusterImageSetAvailability' || own.has(name)) continue;
      images.set(name, await imagesOf(resource));
    }
    return {
      resources: () => [...own, ...images.keys()],
      imagesOf: (name) => (own.has(name) ? tracked.imagesOf(name) : (images.get(name) ?? [])),
    };
  };
}

/** What the images of the whole cluster are found with. */
export interface ReportedImagesOptions {
  /** What this process tracks itself: nothing, unless it leads. */
  readonly tracked: ImagesView;
  readonly resources: Store<KuikResource>;
  readonly store: Pick<AvailabilityStore, 'restore'>;
}

/** Who asks waits no longer for the overflow of a resource; without it there is its status. */
const restoreWithinMs = 5_000;
/** An overflow is megabytes: it is read once for all who ask within this. */
const rememberMs = 10_000;
