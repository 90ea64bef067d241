import { createTimerHeap, type TimerHeap } from '#actors/timer-heap.ts';

/** The real heap on simulated time: `advance` fires, in order, all that falls due on the way. */
export interface SimulatedTimerHeap extends TimerHeap {
  readonly advance: (durationMs: number) => void;
}

/** Starts at 0 ms; nothing happens unless time is advanced. */
export function createSimulatedTimerHeap(): SimulatedTimerHeap {
  let nowMs = 0;
  let timer: { readonly dueMs: number; readonly callback: () => void } | undefined;
  const heap = createTimerHeap({
    monotonicMs: () => nowMs,
    setTimer: (delayMs, callback) => {
      const armed = { dueMs: nowMs + delayMs, callback };
      timer = armed;
      return () => {
        if (timer === armed) timer = undefined;
      };
    },
  });
  const advance = (durationMs: number): void => {
    const endMs = nowMs + durationMs;
    while (timer !== undefined && timer.dueMs <= endMs) {
      const { dueMs, callback } = timer;
      timer = undefined;
      nowMs = Math.max(nowMs, dueMs);
      callback();
    }
    nowMs = endMs;
  };
  return {
    now: heap.now,
    after: heap.after,
    setTimeout: heap.setTimeout,
    clearTimeout: heap.clearTimeout,
    close: heap.close,
    advance,
    get size() {
      return heap.size;
    },
  };
}
