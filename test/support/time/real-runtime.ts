import { onTestFinished } from 'vitest';
import type { Runtime } from '#actors/runtime.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import { createLog } from '#telemetry/log.ts';
import { createMetrics } from '#telemetry/metrics.ts';

/** A runtime on the clocks of this machine, which logs nothing; it ends with the test. */
export function createRealRuntime(given: Partial<Runtime> = {}): Runtime {
  const clock = new TimerHeap();
  onTestFinished(clock.close);
  return {
    clock,
    log: createLog({ level: 'silent', format: 'json' }),
    metrics: createMetrics({ build: { version: 'test' } }),
    now: Date.now,
    random: Math.random,
    ...given,
  };
}
