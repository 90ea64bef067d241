import { onTestFinished } from 'vitest';
import { createActor } from 'xstate';
import { probeImage } from '#actors/registries/probe-image.ts';
import {
  createRegistries,
  type Registries,
  type RegistryTreatment,
} from '#actors/registries/registries.ts';
import { registriesLogic } from '#actors/registries/registries-logic.ts';
import { createTimerHeap, type TimerHeap } from '#actors/timer-heap.ts';
import type { OciClient } from '#oci/client.ts';

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
  const clock = createTimerHeap();
  const supervisor = createActor(registriesLogic({ client, pingTimeoutMs, clock }));
  supervisor.start();
  const registries = createRegistries({
    supervisor: () => supervisor,
    clock,
    now: Date.now,
    treatmentOf,
    metrics: { registryHealth: () => {} },
    onBug: (error) => {
      throw error;
    },
    probeImage: (probe, signal) => probeImage({ client, clock: clock, ...probe }, signal),
  });
  const close = (): void => {
    registries.close();
    supervisor.stop();
    clock.close();
  };
  onTestFinished(close);
  const actors = (): number => supervisor.getSnapshot().children.size;
  return { registries, clock, actors, close };
}
