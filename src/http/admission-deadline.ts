import { memoize } from '#core/bounded-map.ts';
import { parseDuration } from '#core/duration.ts';

/**
 * Kept back from the API server's own timeout, in ms: its clock starts before ours, and the answer
 * has to travel. A tenth where the timeout is short.
 */
const marginMsMax = 500;
/** Of a timeout shorter than the margin something is left all the same, in ms. */
const deadlineMsMin = 50;

/** A webhook's timeout is the same in all its reviews. */
const timeouts = memoize(16, parseDuration);

/**
 * Time one review has, in ms: `routing.deadline`, or what the API server states (`?timeout=10s`)
 * less a margin, whichever is shorter. A timeout that can't be read counts as none.
 */
export function reviewDeadlineMs(timeout: unknown, deadlineMs: number): number {
  const parsed = typeof timeout === 'string' ? timeouts(timeout) : undefined;
  if (parsed?.ok !== true || parsed.value <= 0) return deadlineMs;
  const margin = Math.min(marginMsMax, parsed.value / 10);
  return Math.min(deadlineMs, Math.max(deadlineMsMin, parsed.value - margin));
}
