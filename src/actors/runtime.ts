import type { Log } from '#telemetry/log.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import { readType } from '#telemetry/transitions.ts';
import type { TimerHeap } from './timer-heap.ts';

/** What all effects of the process run on. */
export interface Runtime {
  /** Delays and deadlines; the root has it as the clock of every `after`. */
  readonly clock: TimerHeap;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Wall time in ms: what is stored and shown; nothing waits by it. */
  readonly now: () => number;
  /** From 0 to 1, to spread what is tried again. */
  readonly random: () => number;
}

/** Tells log and metric of an actor that crashed; every supervisor does, by being one. */
export function reportCrash(
  { log, metrics }: Pick<Runtime, 'log' | 'metrics'>,
  actor: string,
  error: unknown,
): void {
  metrics.actorCrash(readType(actor));
  log.error({ actor, err: error }, 'an actor crashed');
}
