import type { ImageReference } from '#core/image/reference.ts';
import type { MirrorCopy } from './mirrored-image.ts';

/** A source tag that stands for something else than when it was copied (condition `SourceChanged`). */
export interface SourceChange {
  readonly recorded: string;
  readonly present: string;
}

/**
 * Whether the source moved since the copy was made; `undefined` where it did not, or nobody knows. An
 * image by digest cannot move.
 */
export function sourceChange(
  image: Pick<ImageReference, 'digest'>,
  copy: Pick<MirrorCopy, 'sourceDigest'>,
  present: string | undefined,
): SourceChange | undefined {
  const { sourceDigest: recorded } = copy;
  if (image.digest !== undefined || recorded === undefined || present === undefined) {
    return undefined;
  }
  return recorded === present ? undefined : { recorded, present };
}

/**
 * Whether what stands under the tag on the mirror counts as the copy (behaviour §5): it has the digest
 * that we recorded, or that a copy of the source's present digest would have. `wouldBe` is the latter
 * where it is known, the source's own where nothing is cut.
 */
export function countsAsCopy(
  copy: Pick<MirrorCopy, 'digest'> | undefined,
  standing: string,
  wouldBe: string | undefined,
): boolean {
  return standing === copy?.digest || standing === wouldBe;
}
