import { cutText } from '#core/cut-text.ts';
import { lastErrorBytesMax } from '#core/status/status-kind.ts';
import { type CopyFailure, isPermanent } from './copy-outcome.ts';

/** What becomes of a copy that failed. */
export interface FailedCopy {
  readonly state: 'BackingOff' | 'Failed';
  /** For the status: who was asked for what, and what came. */
  readonly lastError: string;
  /** Time from the failure to the next try. */
  readonly retryInMs: number;
}

/** What time heals is tried again after 1 s, doubling to 1000 s (behaviour §5). */
export const copyBackoff = { baseMs: 1_000, capMs: 1_000_000 };
/** What time does not heal is tried again at the latest after that (behaviour §5). */
export const failedRetryMs = 3_600_000;
/** A source that states a longer wait is asked again after a day: quotas are lifted, too. */
export const retryAtMsMax = 86_400_000;

/**
 * What becomes of a copy after its `failures`-th failure in a row (1 is the first). `random` (from 0
 * to 1) takes up to a tenth off, so that what failed together does not come back together.
 */
export function judgeFailure(
  failure: CopyFailure,
  { failures, nowMs, random }: FailureCount,
): FailedCopy {
  const lastError = cutText(failure.message, lastErrorBytesMax);
  if (isPermanent(failure)) return { state: 'Failed', lastError, retryInMs: failedRetryMs };
  const { baseMs, capMs } = copyBackoff;
  const doubled = Math.min(baseMs * 2 ** Math.min(failures - 1, exponentMax), capMs);
  const statedMs = Math.min((failure.retryAtMs ?? nowMs) - nowMs, retryAtMsMax);
  return {
    ...{ state: 'BackingOff', lastError },
    retryInMs: Math.max(Math.ceil(doubled * (1 - random / 10)), statedMs),
  };
}

/** How often it failed, and when. */
export interface FailureCount {
  readonly failures: number;
  /** Wall time, ms. */
  readonly nowMs: number;
  readonly random: number;
}

/** A doubling cannot go on past what a number holds; the cap is reached long before. */
const exponentMax = 20;
