import { readOwn } from '#core/json.ts';
import {
  ORIGINAL_IMAGES,
  REWRITE_REASON,
  REWRITTEN_BY,
  readContainerAnnotation,
} from './annotations.ts';

/** A Pod as it is stored, as far as it names its images and what was rewritten. */
export interface ImageBearer {
  readonly annotations: Readonly<Record<string, string>>;
  /** Container → image as now written. */
  readonly images: Readonly<Record<string, string>>;
}

/**
 * What was rewritten of a Pod, in a sentence; `undefined` where nothing was. Annotations may come
 * from another Pod: only a container that does not run its original was rewritten.
 */
export function rewrittenImages(pod: ImageBearer): string | undefined {
  const parts = rewrites(pod).map(({ key, image, original, reason, by }) => {
    const why = [reason, by].filter((text) => text !== undefined);
    const because = why.length > 0 ? ` (${why.join(', ')})` : '';
    return `${key} runs ${image} instead of ${original}${because}`;
  });
  return parts.length === 0 ? undefined : parts.join('; ');
}

/** One container that does not run what the user wrote. */
export interface Rewrite {
  readonly key: string;
  readonly original: string;
  readonly image: string;
  /** As the Pod says, which anybody can have it say. */
  readonly reason: string | undefined;
  readonly by: string | undefined;
}

/** Every container of a Pod that was rewritten. */
export function rewrites({ annotations, images }: ImageBearer): readonly Rewrite[] {
  const originals = readContainerAnnotation(annotations, ORIGINAL_IMAGES);
  if (originals.size === 0) return [];
  const by = readContainerAnnotation(annotations, REWRITTEN_BY);
  const reasons = readContainerAnnotation(annotations, REWRITE_REASON);
  return [...originals].flatMap(([key, original]) => {
    const image = readOwn(images, key);
    if (image === undefined || image === original) return [];
    return [{ key, original, image, reason: reasons.get(key), by: by.get(key) }];
  });
}
