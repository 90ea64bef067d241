import { type CopyJudgement, mayBeOurs } from './copy-claims.ts';
import { type CopyPlace, placeKeyOf } from './copy-places.ts';
import type { MirrorCopy } from './mirrored-image.ts';
import type { RunningImages } from './running-images.ts';

/** What is asked of one copy that no Pod in scope uses. */
export interface DueQuestion {
  readonly place: CopyPlace;
  readonly recorded: MirrorCopy;
  /** Since when its image is unused, wall time in ms; absent where it is in use. */
  readonly unusedSinceMs: number | undefined;
  /** Of all claims on the place. */
  readonly judgement: CopyJudgement;
  readonly running: Pick<RunningImages, 'isRun' | 'isOriginal'>;
  /** Wall time, ms. */
  readonly nowMs: number;
}

/**
 * Whether a copy is to go: its own mirror entry cleans up, its retention is over, no resource holds it
 * longer, and no Pod runs from it or was rewritten from its original (behaviour §5).
 */
export function isCopyDue(question: DueQuestion): boolean {
  const { place, recorded, unusedSinceMs, judgement, running, nowMs } = question;
  const { cleanup, key } = place;
  if (!cleanup.enabled || unusedSinceMs === undefined) return false;
  if (nowMs < unusedSinceMs + cleanup.retentionMs) return false;
  // It has no copy there, so nobody has to be asked.
  if (recorded.state === 'Collision') return true;
  if (nowMs < judgement.keptUntilMs || running.isRun(key)) return false;
  return !judgement.holding.some(({ image }) => running.isOriginal(placeKeyOf(image)));
}

/** What becomes of a copy of a resource that is being deleted. */
export type Removal =
  /** By the two phases of any deletion, without its retention. */
  | { readonly kind: 'delete' }
  /** A resource that holds it too is not known well enough yet. */
  | { readonly kind: 'wait' }
  /** Left where it is, and told of. */
  | { readonly kind: 'stays'; readonly why: RemainReason };

/** Why a copy stays on its mirror though its resource goes. */
export type RemainReason =
  | 'no-cleanup'
  | 'not-ours'
  | 'a Pod runs from it'
  | 'another resource holds it';

/**
 * Decides about one copy of a resource that is being deleted: only where its entry cleans up, none
 * that a Pod runs from, none that another resource wants or still keeps.
 */
export function judgeRemoval(
  question: Omit<DueQuestion, 'place' | 'unusedSinceMs'> & { readonly place?: CopyPlace },
): Removal {
  const { place, recorded, judgement, running, nowMs } = question;
  if (place === undefined || !mayBeOurs(recorded)) return { kind: 'stays', why: 'not-ours' };
  if (!place.cleanup.enabled) return { kind: 'stays', why: 'no-cleanup' };
  if (running.isRun(place.key)) return { kind: 'stays', why: 'a Pod runs from it' };
  if (nowMs >= judgement.keptUntilMs) return { kind: 'delete' };
  const isKnown = judgement.holding.every(({ usage }) => usage !== 'unknown');
  return isKnown ? { kind: 'stays', why: 'another resource holds it' } : { kind: 'wait' };
}
