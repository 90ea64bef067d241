import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { AgeBuckets } from '#telemetry/age-buckets.ts';
import { createListedImages, type ListedImagesTwin } from '#test/support/status/listed-images.ts';

/** Tracked images in memory: what stands in for the actors of monitoring. */
export type TrackedImagesTwin = ListedImagesTwin<TrackedImage>;

/** Makes an empty one; a resource that is named is known before it has images. */
export function createTrackedImages(...resources: readonly string[]): TrackedImagesTwin {
  return createListedImages(...resources);
}

/** A moment in the history of tests, in ms. */
export const someTimeMs = Date.parse('2026-03-01T12:00:00Z');

/** An image that resource `all` tracks, in use and available, with whatever else is given. */
export function tracked(image: string, given: Partial<TrackedImage> = {}): TrackedImage {
  return {
    resource: 'all',
    image,
    registry: image.split('/')[0] ?? '',
    status: 'Available',
    original: true,
    lastMonitorMs: someTimeMs,
    ...given,
  };
}

/** So many images on so many registries, of which each tenth is wrong and each seventh unused. */
export function manyTracked(count: number, registries = 40): TrackedImage[] {
  return Array.from({ length: count }, (_, index) =>
    tracked(
      `registry-${index % registries}.example.com/team-${index % 97}/service-${index}:v1.${index}`,
      {
        ...(index % 10 === 0 && { status: 'NotFound', lastError: `manifest ${index} unknown` }),
        ...(index % 7 === 0 && { unusedSinceMs: someTimeMs - index * 1_000 }),
        lastMonitorMs: someTimeMs - index * 60_000,
      },
    ),
  );
}

/** `metrics.imageLastMonitorAgeMinutes.legacy` as it is by default. */
export const defaultAgeBuckets: AgeBuckets = {
  ...{ bucketType: 'exponential', start: 1, factor: 1.94, count: 12, min: 1, max: 1440 },
  custom: [1, 5, 10, 30, 60, 120, 180, 360, 720, 1440],
};
