import type { TimerHeap } from '#actors/timer-heap.ts';
import type { ClusterImageSetAvailability } from '#api/image-set-availability.ts';
import type { KuikResource } from '#api/kinds.ts';
import { readMonitoredImage } from '#core/monitoring/monitored-image.ts';
import type { TrackedImage, TrackedImages } from '#core/monitoring/tracked-image.ts';
import type { Store } from '#kube/store.ts';

/** Images by resource, to be read. */
export type ImagesView = Pick<TrackedImages, 'resources' | 'imagesOf'>;

/** What the images of the whole cluster are found with. */
export interface PresentImagesOptions {
  /** What this process tracks itself: nothing, unless it leads. */
  readonly tracked: ImagesView;
  readonly resources: Store<KuikResource>;
  /** What status and overflow of a resource say; empty when the signal aborts first. */
  readonly restore: (resource: string, signal: AbortSignal) => Promise<readonly TrackedImage[]>;
  readonly clock: TimerHeap;
}

/** Who asks waits no longer for the overflow of a resource; without it there is its status. */
const restoreWithinMs = 5_000;
/** An overflow is megabytes: it is read once for all who ask within this. */
const rememberMs = 10_000;

/**
 * Makes the view of all monitored images, on any replica: what this process tracks itself, and of
 * other resources what their status says, with their overflow where they have one.
 */
export function presentImages(options: PresentImagesOptions): () => Promise<ImagesView> {
  const { tracked, resources, restore, clock } = options;
  const remembered = new Map<string, Promise<readonly TrackedImage[]>>();
  const readWhole = (resource: string): Promise<readonly TrackedImage[]> => {
    const known = remembered.get(resource);
    if (known !== undefined) return known;
    const reading = restore(resource, AbortSignal.timeout(restoreWithinMs));
    remembered.set(resource, reading);
    clock.after(rememberMs, () => remembered.delete(resource));
    return reading;
  };
  const imagesOf = async ({ metadata, status }: ClusterImageSetAvailability) => {
    const { images = [], imageCount = 0 } = status ?? {};
    const whole = imageCount > images.length ? await readWhole(metadata.name) : [];
    return whole.length > 0 ? whole : readImages(metadata.name, images);
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

function readImages(resource: string, entries: readonly unknown[]): readonly TrackedImage[] {
  return entries.flatMap((entry) => readMonitoredImage(resource, entry) ?? []);
}
