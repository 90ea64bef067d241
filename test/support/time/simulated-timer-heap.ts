import { TimerHeap } from '#actors/timer-heap.ts';

/** The real heap on simulated time: `advance` fires, in order, all that falls due on the way. */
export class SimulatedTimerHeap extends TimerHeap {
  readonly #time: SimulatedTime;

  constructor(time: SimulatedTime = { nowMs: 0, timer: undefined }) {
    super(
      () => time.nowMs,
      (delayMs, callback) => {
        const armed = { dueMs: time.nowMs + delayMs, callback };
        time.timer = armed;
        return () => {
          if (time.timer === armed) time.timer = undefined;
        };
      },
    );
    this.#time = time;
  }

  readonly advance = (durationMs: number): void => {
    const time = this.#time;
    const endMs = time.nowMs + durationMs;
    while (time.timer !== undefined && time.timer.dueMs <= endMs) {
      const { dueMs, callback } = time.timer;
      time.timer = undefined;
      time.nowMs = Math.max(time.nowMs, dueMs);
      callback();
    }
    time.nowMs = endMs;
  };
}

interface SimulatedTime {
  nowMs: number;
  timer: { readonly dueMs: number; readonly callback: () => void } | undefined;
}

/** Starts at 0 ms; nothing happens unless time is advanced. */
export function createSimulatedTimerHeap(): SimulatedTimerHeap {
  return new SimulatedTimerHeap();
}
