/** Time as an input: whoever needs it is given one, and tests give a simulated one. */
export interface Clock {
  /** Wall time in ms since the epoch: for what is stored or was said by others. */
  readonly nowMs: () => number;
  /** Time in ms since some moment, never set back: for delays and ages. */
  readonly monotonicMs: () => number;
}
