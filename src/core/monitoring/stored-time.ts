/** The two clocks at one moment, ms: wall time, and the one that is never set back. */
export interface ClockReading {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

/**
 * A stored wall time on the monotonic clock. One that lies in the future (another machine's clock)
 * counts as now: nobody waits longer for it than if it had just happened.
 */
export function toMonotonicMs(wallMs: number, now: ClockReading): number {
  return now.monotonicMs - Math.max(0, now.wallMs - wallMs);
}

/** A monotonic time as wall time, by the clocks as they are now. */
export function toWallMs(monotonicMs: number, now: ClockReading): number {
  return now.wallMs - (now.monotonicMs - monotonicMs);
}
