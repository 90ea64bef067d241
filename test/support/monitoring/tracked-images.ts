import { Listeners } from '#core/listeners.ts';
import type { TrackedImage, TrackedImages } from '#core/monitoring/tracked-image.ts';
import type { AgeBuckets } from '#telemetry/age-buckets.ts';

/** Tracked images in memory, told what to hold: what stands in for the actors of monitoring. */
export interface TrackedImagesTwin extends TrackedImages {
  /** Puts images in, each in the place of the one with its name, and tells of it. */
  readonly put: (...images: readonly TrackedImage[]) => void;
  readonly remove: (...images: readonly TrackedImage[]) => void;
  /** From here on each image takes so long, in ms, to be come to: what goes on in slices must show. */
  readonly takeTime: (ms: number) => void;
  /** Tracks a resource no more, as a leader does that loses its Lease, and tells of it. */
  readonly tearDown: (resource: string) => void;
}

/** Makes an empty one; a resource that is named is known before it has images. */
export function createTrackedImages(...resources: readonly string[]): TrackedImagesTwin {
  const held = new Map<string, Map<string, TrackedImage>>(
    resources.map((resource) => [resource, new Map()]),
  );
  const changed = new Listeners<[resource: string]>();
  let imageMs = 0;
  const tell = (images: readonly TrackedImage[]) => {
    for (const resource of new Set(images.map((image) => image.resource))) changed.tell(resource);
  };
  return {
    resources: () => [...held.keys()],
    imagesOf: (resource) => slowly([...(held.get(resource)?.values() ?? [])], imageMs),
    takeTime: (ms) => {
      imageMs = ms;
    },
    subscribe: changed.subscribe,
    put: (...images) => {
      for (const image of images) {
        const of = held.get(image.resource) ?? new Map<string, TrackedImage>();
        held.set(image.resource, of.set(image.image, image));
      }
      tell(images);
    },
    remove: (...images) => {
      for (const image of images) held.get(image.resource)?.delete(image.image);
      tell(images);
    },
    tearDown: (resource) => {
      held.delete(resource);
      changed.tell(resource);
    },
  };
}

/** All of them, each after so much work; at once where that is none. */
export function slowly<T>(all: readonly T[], eachMs: number): Iterable<T> {
  return eachMs === 0 ? all : { [Symbol.iterator]: () => busily(all, eachMs) };
}

function* busily<T>(all: readonly T[], eachMs: number): Generator<T> {
  for (const one of all) {
    const untilMs = performance.now() + eachMs;
    while (performance.now() < untilMs);
    yield one;
  }
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
