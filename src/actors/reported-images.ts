import type { KuikResource } from '#api/kinds.ts';
import { readMonitoredImage } from '#core/monitoring/monitored-image.ts';
import type { TrackedImage, TrackedImages } from '#core/monitoring/tracked-image.ts';
import type { Store } from '#kube/store.ts';

/** Images by resource, to be read. */
export type ImagesView = Pick<TrackedImages, 'resources' | 'imagesOf'>;

/**
 * What the statuses say is monitored: all that a replica knows which does not lead. Of a resource
 * with more than a thousand images it is the thousand that matter most.
 */
export function reportedImages(store: Store<KuikResource>): ImagesView {
  const availabilities = () =>
    [...store.values()].flatMap((resource) =>
      resource.kind === 'ClusterImageSetAvailability' ? [resource] : [],
    );
  return {
    resources: () => availabilities().map(({ metadata }) => metadata.name),
    imagesOf: (resource) =>
      availabilities()
        .filter(({ metadata }) => metadata.name === resource)
        .flatMap(({ status }) => readImages(resource, status?.images ?? [])),
  };
}

/** What this process tracks itself, and of other resources what their status says. */
export function presentImages(tracked: ImagesView, reported: ImagesView): ImagesView {
  return {
    resources: () => [...new Set([...tracked.resources(), ...reported.resources()])],
    imagesOf: (resource) => {
      const isTracked = tracked.resources().includes(resource);
      return (isTracked ? tracked : reported).imagesOf(resource);
    },
  };
}

function readImages(resource: string, entries: readonly unknown[]): readonly TrackedImage[] {
  return entries.flatMap((entry) => readMonitoredImage(resource, entry) ?? []);
}
