import { Listeners } from '#core/listeners.ts';
import type { ListedImage, ListedImages } from '#core/status/status-kind.ts';

/** Listed images in memory, told what to hold: what stands in for the actors that know them. */
export interface ListedImagesTwin<Image extends ListedImage> extends ListedImages<Image> {
  /** Puts images in, each in the place of the one with its name, and tells of it. */
  readonly put: (...images: readonly Image[]) => void;
  readonly remove: (...images: readonly Image[]) => void;
  /** From here on each image takes so long, in ms, to be come to: what goes on in slices must show. */
  readonly takeTime: (ms: number) => void;
  /** Knows a resource no more, as a leader does that loses its Lease, and tells of it. */
  readonly tearDown: (resource: string) => void;
}

/** Makes an empty one; a resource that is named is known before it has images. */
export function createListedImages<Image extends ListedImage>(
  ...resources: readonly string[]
): ListedImagesTwin<Image> {
  const held = new Map<string, Map<string, Image>>(
    resources.map((resource) => [resource, new Map()]),
  );
  const changed = new Listeners<[resource: string]>();
  let imageMs = 0;
  const tell = (images: readonly Image[]) => {
    for (const resource of new Set(images.map((image) => image.resource))) changed.tell(resource);
  };
  return {
    resources: () => [...held.keys()],
    imageOf: (resource, image) => held.get(resource)?.get(image),
    imagesOf: (resource) => slowly([...(held.get(resource)?.values() ?? [])], imageMs),
    takeTime: (ms) => {
      imageMs = ms;
    },
    subscribe: changed.subscribe,
    put: (...images) => {
      for (const image of images) {
        const of = held.get(image.resource) ?? new Map<string, Image>();
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
