import type { TrackedImage } from '#core/monitoring/tracked-image.ts';

/** A spec that is about every image. */
export const everything = { imageFilter: { include: ['.*'] } };

/** An hour in ms. */
export const hourMs = 3_600_000;

/** The full form of an image by its short name. */
export const image = (name: string) => `quay.io/team/${name}:1`;

/** An image as the resource `all` tracked it before, available unless told otherwise. */
export function restored(name: string, more: Partial<TrackedImage> = {}): TrackedImage {
  return {
    ...{ resource: 'all', image: image(name), registry: 'quay.io', original: true },
    ...{ status: 'Available', ...more },
  };
}
