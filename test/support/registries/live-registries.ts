import { onTestFinished } from 'vitest';
import {
  addRegistries,
  type Registries,
  type RegistryTreatment,
} from '#actors/registries/registries.ts';
import type { RegistriesLogic } from '#actors/registries/registry-logic.ts';
import { KuikSystem } from '#actors/system.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import type { OciClient } from '#oci/client.ts';
import { createLog } from '#telemetry/log.ts';
import { createMetrics } from '#telemetry/metrics.ts';

/** Registry actors over a real client, on real time. */
export interface LiveRegistries {
  readonly registries: Registries;
  readonly clock: TimerHeap;
  /** Actors that are running. */
  readonly actors: () => number;
  readonly close: () => void;
}

/** What differs from the shipped defaults. */
export interface LiveRegistriesOptions {
  /** Of background probes; those of images say their own. */
  readonly pingTimeoutMs?: number;
  readonly treatmentOf?: (host: string) => RegistryTreatment;
}

/** Starts them for the running test, which ends them. */
export function startLiveRegistries(
  client: OciClient,
  { pingTimeoutMs = 300, treatmentOf = () => ({}) }: LiveRegistriesOptions = {},
): LiveRegistries {
  const clock = new TimerHeap();
  const system = new KuikSystem({
    clock,
    log: createLog({ level: 'error', format: 'json', destination: { write: fail } }),
    metrics: createMetrics({ build: { version: '1' } }),
    now: Date.now,
    random: Math.random,
  });
  const registries = addRegistries(system, {
    ...{ client, pingTimeoutMs, treatmentOf },
    paceOf: () => ({ intervalMs: 1_000, maxPerInterval: 1 }),
  });
  system.start();
  const close = (): void => {
    registries.close();
    system.stop();
    clock.close();
  };
  onTestFinished(close);
  const actors = (): number =>
    system.find<RegistriesLogic>('registries')?.getSnapshot().children.size ?? 0;
  return { registries, clock, actors, close };
}

/** Errors are bugs, and a bug fails the test. */
function fail(line: string): void {
  throw new Error(line);
}
