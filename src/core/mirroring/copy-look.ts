import type { MirrorCopy } from './mirrored-image.ts';

/** Copies are looked at once an hour, and at the start of a leader's term (behaviour §5). */
export const lookIntervalMs = 3_600_000;

/**
 * When a copy is to be looked at next, on the clock of `lookedMs`: at once in a term that has not
 * looked yet; `undefined` where nothing is known to stand there.
 */
export function nextLookMs(
  { state, mirroredAtMs }: Pick<MirrorCopy, 'state' | 'mirroredAtMs'>,
  lookedMs: number | undefined,
): number | undefined {
  const isThere = mirroredAtMs !== undefined && (state === 'Available' || state === 'Unused');
  if (!isThere) return undefined;
  return lookedMs === undefined ? Number.NEGATIVE_INFINITY : lookedMs + lookIntervalMs;
}

/** What a look found: the digest under the tag, and whether an index has all its children. */
export type LookFinding =
  | { readonly kind: 'there'; readonly digest: string; readonly lacksChildren: boolean }
  | { readonly kind: 'missing' }
  /** No answer, or one that says nothing about the image. */
  | { readonly kind: 'inconclusive' };

/** What a copy is after a look: as it was, or lost and to be copied again. */
export function judgeLook(
  copy: Pick<MirrorCopy, 'digest'>,
  finding: LookFinding,
): 'as-before' | 'lost' {
  if (finding.kind === 'inconclusive') return 'as-before';
  if (finding.kind === 'missing' || finding.lacksChildren) return 'lost';
  // kuik v2 recorded no digest: what is there is taken for the copy.
  return copy.digest === undefined || copy.digest === finding.digest ? 'as-before' : 'lost';
}
