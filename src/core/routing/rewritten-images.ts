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
export function rewrittenImages({ annotations, images }: ImageBearer): string | undefined {
  const by = readContainerAnnotation(annotations, REWRITTEN_BY);
  const reasons = readContainerAnnotation(annotations, REWRITE_REASON);
  const parts = [...readContainerAnnotation(annotations, ORIGINAL_IMAGES)].flatMap(
    ([key, original]) => {
      const image = readOwn(images, key);
      if (image === undefined || image === original) return [];
      const why = [reasons.get(key), by.get(key)].filter((text) => text !== undefined);
      const because = why.length > 0 ? ` (${why.join(', ')})` : '';
      return [`${key} runs ${image} instead of ${original}${because}`];
    },
  );
  return parts.length === 0 ? undefined : parts.join('; ');
}
