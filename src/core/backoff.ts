/** Bounds of a growing delay, ms. */
export interface BackoffBounds {
  readonly baseMs: number;
  readonly capMs: number;
}

/** A doubling cannot go on past what a number holds; the cap is reached long before. */
const exponentMax = 30;

/**
 * Full jitter: anywhere between 0 and a ceiling that doubles with each attempt (the first is 0) up
 * to the cap, so that many who fail together do not come back together. `random` is from 0 to 1.
 */
export function fullJitterMs(attempt: number, bounds: BackoffBounds, random: number): number {
  const doubled = bounds.baseMs * 2 ** Math.min(Math.max(attempt, 0), exponentMax);
  return Math.min(doubled, bounds.capMs) * random;
}
