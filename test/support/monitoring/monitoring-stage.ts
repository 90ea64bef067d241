import { onTestFinished } from 'vitest';
import { type AnyActorLogic, createActor } from 'xstate';
import type { ProbeReport, RegistryProbe } from '#actors/registries/registries.ts';
import type { SecretAnswer } from '#actors/secrets/secrets.ts';
import { supervise } from '#actors/supervisor.ts';
import type { Service } from '#actors/system.ts';
import { createMonitoring } from '#actors/tracking/tracking.ts';
import type { MonitoringOptions } from '#actors/tracking/tracking-options.ts';
import type { ClusterImageSetAvailabilitySpec } from '#api/image-set-availability.ts';
import type { KuikResource } from '#api/kinds.ts';
import type { FinishedCheck } from '#core/monitoring/pace-view.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { ProbeOutcome } from '#core/probe.ts';
import { compileTable, type RoutingTable } from '#core/routing/table.ts';
import { createStore } from '#kube/store.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

type NamedPod = MonitoringOptions['pods'] extends { get: (key: string) => infer P | undefined }
  ? P
  : never;

/** The first moment of the stage, wall time in ms. */
export const stageStartMs = 1_700_000_000_000;

/** Monitoring on simulated time, with registries that answer as they are told. */
export function startMonitoring(given: Partial<MonitoringOptions> = {}) {
  const clock = createSimulatedTimerHeap();
  const pods = createStore<NamedPod>();
  const sent: RegistryProbe[] = [];
  const checks: FinishedCheck[] = [];
  const secrets = new Map<string, SecretAnswer>();
  const bugs: unknown[] = [];
  let answer: (probe: RegistryProbe) => Promise<ProbeReport> | ProbeReport = () =>
    answered({ kind: 'Available' });
  let resources: readonly KuikResource[] = [];
  let table: RoutingTable = compileTable([]);
  const listeners = new Set<(table: RoutingTable) => void>();
  let services: readonly Service[] = [];
  const root = createActor(
    supervise<AnyActorLogic>({
      type: 'service',
      logic: (key) => services.find(({ id }) => id === key)!.logic,
      policy: 'object',
      clock,
      address: (key) => key,
      onCrash: (_, error) => bugs.push(error),
    }),
    { id: 'kuik', systemId: 'kuik' },
  ).start();
  const monitoring = createMonitoring({
    ...{ clock, pods, now: () => stageStartMs + clock.now() },
    table: {
      current: () => table,
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    ...{ synced: pods.synced, isSynced: pods.isSynced, leavesAlone: () => false },
    registries: {
      probe: async (probe) => {
        sent.push(probe);
        return await answer(probe);
      },
    },
    secrets: {
      read: async ({ namespace, name }) =>
        secrets.get(`${namespace}/${name}`) ?? { kind: 'missing' },
      forget: () => {},
    },
    paceOf: () => ({ intervalMs: 10_000, maxPerInterval: 1 }),
    mannerOf: () => ({ method: 'HEAD', timeoutMs: 0, resolveDigest: false }),
    inFlightMaxOf: () => 2,
    unrecordedUntilMs: () => undefined,
    observedGeneration: () => undefined,
    find: (id) => root.getSnapshot().children.get(id),
    restore: async () => [],
    onCheck: (check) => checks.push(check),
    onCrash: (_, error) => bugs.push(error),
    onBug: (error) => bugs.push(error),
    ...given,
  });
  services = monitoring.leaderServices;
  onTestFinished(() => void root.stop());
  return {
    ...{ clock, pods, sent, checks, secrets, bugs, root, monitoring },
    lead: async () => {
      pods.finishList(new Set([...pods.values()].map((pod) => `${pod.namespace}/${pod.name}`)));
      for (const { id } of services) root.send({ type: 'child.add', key: id, input: undefined });
      await turns();
    },
    answerWith: (next: typeof answer) => {
      answer = next;
    },
    /** One that is declared under another uid takes the place of the one before. */
    declare: (name: string, spec: ClusterImageSetAvailabilitySpec, generation = 1, uid = name) => {
      resources = [
        ...resources.filter(({ metadata }) => metadata.name !== name),
        {
          apiVersion: 'kuik.enix.io/v1alpha1',
          kind: 'ClusterImageSetAvailability',
          metadata: { name, uid, generation },
          spec,
        },
      ];
      table = compileTable(resources, table);
      for (const listener of listeners) listener(table);
    },
    run: (name: string, image: string, more: Partial<NamedPod> = {}) => {
      const pod = {
        ...{ namespace: 'apps', name, labels: {}, annotations: {}, pullSecrets: [] },
        ...{ images: { app: image }, ...more },
      };
      pods.put(`${pod.namespace}/${name}`, pod);
    },
    /** Time passes in small steps, and what it brings about comes about. */
    pass: async (durationMs: number, stepMs = 200) => {
      for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
        clock.advance(Math.min(stepMs, durationMs - passedMs));
        await turns();
      }
    },
    tracked: (resource: string): readonly TrackedImage[] => [
      ...monitoring.tracked.imagesOf(resource),
    ],
  };
}

/** A registry's answer as the registries report it. */
export function answered(outcome: ProbeOutcome, credentialIndex?: number): ProbeReport {
  return {
    ...{ kind: 'Answered' as const, outcome, ms: 1, remembered: false },
    ...(credentialIndex !== undefined && { credentialIndex }),
  };
}

/** Until what was promised, and what that leads to, has come about. */
export async function turns(count = 8): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
