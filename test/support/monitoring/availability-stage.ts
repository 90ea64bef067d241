import { availabilityStore } from '#actors/reporting/availability-store.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { type StatusStage, statusStage } from '#test/support/status/status-stage.ts';
import { tracked } from './tracked-images.ts';

/** One ClusterImageSetAvailability on the real API server, and what writes and reads its status. */
export interface AvailabilityStage extends StatusStage<TrackedImage> {
  /** An image of this resource. */
  readonly image: (image: string, given?: Partial<TrackedImage>) => TrackedImage;
}

/** Makes the resource, and a fresh namespace for the operator; both go with the test. */
export async function availabilityStage(): Promise<AvailabilityStage> {
  const stage = await statusStage({
    kind: 'ClusterImageSetAvailability',
    spec: { imageFilter: { include: ['.*'] } },
    isNamespaced: false,
    nameOf: ({ name }) => name,
    store: availabilityStore,
  });
  const { name } = stage;
  return { ...stage, image: (image, given = {}) => tracked(image, { resource: name, ...given }) };
}
