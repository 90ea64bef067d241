/**
 * What has happened since a copy became `Expired`, and what is so; times are monotonic ms of this
 * process, so that a restart begins anew.
 */
export interface DeletionState {
  /** When the status that says `Expired` was stored; absent as long as it is not. */
  readonly writtenMs?: number;
  /** Whether a DELETE was sent since then, whatever became of it. */
  readonly wasTried: boolean;
  /** When the last consistent list of Pods was begun that was read to its end; absent without one. */
  readonly podsListedMs?: number;
  /** By the newest of what is known of Pods and resources: whether the copy is still due. */
  readonly isDue: boolean;
  /** Whether this process leads, its Lease renewed within the deadline; true without election. */
  readonly holdsLease: boolean;
  /** What the registry has to show: recorded, or seen when `Expired` was written. */
  readonly expectedDigest?: string;
  /** What the registry showed last, and when it answered; no digest where nothing was there. */
  readonly seen?: { readonly digest?: string; readonly atMs: number };
  readonly nowMs: number;
}

/** What comes next on the way to a DELETE. */
export type DeletionStep =
  /** Turned back: a Pod or a resource wants it again. */
  | { readonly kind: 'revive' }
  /** The status has to say `Expired` first. */
  | { readonly kind: 'write' }
  | { readonly kind: 'wait'; readonly untilMs: number }
  | { readonly kind: 'list-pods' }
  /** The registry is to be asked what stands under the tag. */
  | { readonly kind: 'look' }
  /** Not (any longer) the leader: nothing is done. */
  | { readonly kind: 'stop' }
  /** The copy is not there any more: as good as deleted. */
  | { readonly kind: 'gone' }
  /** Something else stands there: it is not ours to delete, and the entry goes without it. */
  | { readonly kind: 'foreign'; readonly message: string }
  | { readonly kind: 'delete' };

/**
 * From the write of `Expired` to the list of Pods: a review that was answered before every replica
 * knew of it has its Pod stored by then (behaviour §5).
 */
export const expiredQuietMs = 30_000;
/** The list of Pods may be so old when the DELETE is sent: it serves all that fall due together. */
export const podsListedMsMax = 60_000;
/** What the registry showed may be so old: nobody but the registry tells of what others push. */
export const seenMsMax = 10_000;

/**
 * The next step before a DELETE. Asked again after each of them, and once more in the same turn of
 * the event loop in which the DELETE is sent: whatever was waited for, things may have changed.
 */
export function nextDeletionStep(state: DeletionState): DeletionStep {
  const { writtenMs, isDue, holdsLease, nowMs } = state;
  if (!holdsLease) return { kind: 'stop' };
  if (!isDue) return { kind: 'revive' };
  if (writtenMs === undefined) return { kind: 'write' };
  const quietUntilMs = writtenMs + expiredQuietMs;
  if (!state.wasTried && nowMs < quietUntilMs) return { kind: 'wait', untilMs: quietUntilMs };
  return stepAfterQuiet(state, quietUntilMs);
}

function stepAfterQuiet(state: DeletionState, quietUntilMs: number): DeletionStep {
  const { podsListedMs, seen, expectedDigest, nowMs } = state;
  const isFresh = (atMs: number, ageMsMax: number) =>
    atMs >= quietUntilMs && nowMs - atMs <= ageMsMax;
  const isListed = podsListedMs !== undefined && isFresh(podsListedMs, podsListedMsMax);
  if (!isListed) return { kind: 'list-pods' };
  if (seen === undefined || !isFresh(seen.atMs, seenMsMax)) return { kind: 'look' };
  if (seen.digest === undefined) return { kind: 'gone' };
  if (seen.digest === expectedDigest) return { kind: 'delete' };
  const expected = expectedDigest ?? 'no digest, since none was recorded';
  return { kind: 'foreign', message: `expected ${expected}, the registry shows ${seen.digest}` };
}
