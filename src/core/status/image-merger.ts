import type { ListedImage, StatusKind } from './status-kind.ts';

/** Keeps one entry an image of all the places that tell of images, in the order of reading. */
export function createImageMerger<Image extends ListedImage, Status>({
  merge,
}: Pick<StatusKind<Image, Status>, 'merge'>) {
  const merged = new Map<string, Image>();
  return {
    add: (image: Image): void => {
      const held = merged.get(image.image);
      merged.set(image.image, held === undefined ? image : merge(held, image));
    },
    all: (): readonly Image[] => [...merged.values()],
  };
}
