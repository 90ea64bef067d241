import { onTestFinished } from 'vitest';
import { createActor } from 'xstate';
import { probeImage } from '#actors/registries/probe-image.ts';
import {
  createRegistries,
  type Registries,
  type RegistryTreatment,
} from '#actors/registries/registries.ts';
import { registriesLogic } from '#actors/registries/registries-logic.ts';
import { createWakeHeap, type WakeHeap } from '#actors/wake.ts';
import type { OciClient } from '#oci/client.ts';

/** Registry actors over a real client, on real time. */
export interface LiveRegistries {
  readonly registries: Registries;
  readonly wake: WakeHeap;
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
  const wake = createWakeHeap();
  const supervisor = createActor(registriesLogic({ client, pingTimeoutMs, wake }));
  supervisor.start();
  const registries = createRegistries({
    supervisor: () => supervisor,
    wake,
    now: Date.now,
    treatmentOf,
    metrics: { registryHealth: () => {} },
    onBug: (error) => {
      throw error;
    },
    probeImage: (probe, signal) => probeImage({ client, clock: wake, ...probe }, signal),
  });
  const close = (): void => {
    registries.close();
    supervisor.stop();
    wake.close();
  };
  onTestFinished(close);
  const actors = (): number => supervisor.getSnapshot().children.size;
  return { registries, wake, actors, close };
}
