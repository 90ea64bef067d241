import { createWakeHeap, type WakeHeap } from '#actors/wake.ts';

/** The real heap on simulated time: `advance` fires, in order, all that falls due on the way. */
export interface SimulatedWakeHeap extends WakeHeap {
  readonly advance: (durationMs: number) => void;
}

/** Starts at 0 ms; nothing happens unless time is advanced. */
export function createSimulatedWakeHeap(): SimulatedWakeHeap {
  let nowMs = 0;
  let timer: { readonly dueMs: number; readonly callback: () => void } | undefined;
  const heap = createWakeHeap({
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
    close: heap.close,
    advance,
    get size() {
      return heap.size;
    },
  };
}
