import type { Runtime } from '#actors/runtime.ts';
import { createLog, type Log } from '#telemetry/log.ts';
import { createMetrics } from '#telemetry/metrics.ts';
import { keepSaid } from '#test/support/runner/kept-secrets.ts';
import { createSimulatedTimerHeap, type SimulatedTimerHeap } from './simulated-timer-heap.ts';

/** A runtime on simulated time whose log is kept. */
export interface TestRuntime extends Runtime {
  readonly clock: SimulatedTimerHeap;
  readonly log: Log;
  /** The lines of the log, parsed. */
  readonly lines: () => readonly Readonly<Record<string, unknown>>[];
  /** The exposition text of the metrics. */
  readonly text: () => Promise<string>;
}

/** Wall time when simulated time is 0. */
export const startOfTime = Date.parse('2026-01-01T00:00:00.500Z');

/** Makes one; nothing happens unless its clock is advanced. */
export function createTestRuntime(): TestRuntime {
  const clock = createSimulatedTimerHeap();
  const metrics = createMetrics({ build: { version: '1' } });
  const written: string[] = [];
  const destination = {
    write: (line: string) => {
      written.push(line);
      keepSaid('log', line);
    },
  };
  return {
    clock,
    metrics,
    log: createLog({ level: 'debug', format: 'json', destination }),
    now: () => startOfTime + clock.now(),
    random: () => 0.5,
    lines: () => written.map((line) => JSON.parse(line)),
    text: async () => (await metrics.text()).body,
  };
}
