import { onTestFinished } from 'vitest';
import {
  type AnswerListener,
  addRegistries,
  type ProbeReport,
  type RegistryProbe,
} from '#actors/registries/registries.ts';
import { KuikSystem } from '#actors/system.ts';
import type { NamedPod } from '#actors/tracking/pod-uses.ts';
import { addTracking, type TrackingOptions } from '#actors/tracking/tracking.ts';
import type { ClusterImageSetAvailabilitySpec } from '#api/image-set-availability.ts';
import type { KuikResource } from '#api/kinds.ts';
import { Listeners } from '#core/listeners.ts';
import type { Pace } from '#core/monitoring/pace.ts';
import type { FinishedCheck } from '#core/monitoring/pace-view.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { ProbeOutcome } from '#core/probe.ts';
import { succeed } from '#core/result.ts';
import { compileTable, type RoutingTable } from '#core/routing/table.ts';
import type { SecretAnswer } from '#core/secret.ts';
import { createStore, type Store } from '#kube/store.ts';
import type { LeadInput } from '#machines/leadership.ts';
import { createTestRuntime, startOfTime } from '#test/support/time/test-runtime.ts';

/** The first moment of the stage, wall time in ms. */
export const stageStartMs = startOfTime;

/** What a stage is told beside what it is told later. */
export interface StageOptions
  extends Partial<Pick<TrackingOptions, 'secrets' | 'restore' | 'isNodeOnly'>>,
    Partial<LeadInput> {
  readonly pace?: Pace;
  /** The generation that the condition of each resource is about. */
  readonly observedGeneration?: number | undefined;
}

/** Monitoring on simulated time, with registries that answer as they are told. */
export function startMonitoring(given: StageOptions = {}) {
  const runtime = createTestRuntime();
  const { clock } = runtime;
  const system = new KuikSystem(runtime);
  const pods = createStore<NamedPod>();
  const resources = createStore<KuikResource>();
  const { pace = { intervalMs: 10_000, maxPerInterval: 1 } } = given;
  const sent: RegistryProbe[] = [];
  const checks: FinishedCheck[] = [];
  const secrets = new Map<string, SecretAnswer>();
  let answer: (probe: RegistryProbe, signal: AbortSignal) => Promise<ProbeReport> | ProbeReport =
    () => answered({ kind: 'Available' });
  const table = keepTable(resources);
  const answers = new Listeners<Parameters<AnswerListener>>();
  const registries = addRegistries(system, {
    ...{ paceOf: () => pace, treatmentOf: () => ({ concurrency: 4 }), pingTimeoutMs: 1_000 },
    client: { ping: unasked, manifest: unasked },
  });
  const monitoring = addTracking(system, {
    table,
    registries: {
      turns: registries.turns,
      onAnswer: answers.subscribe,
      probe: async (probe, signal) => {
        sent.push(probe);
        return await answer(probe, signal);
      },
    },
    resources: { pods, kuik: new Map([['ClusterImageSetAvailability', resources]]) },
    secrets: {
      read: async ({ namespace, name }) =>
        secrets.get(`${namespace}/${name}`) ?? { kind: 'missing' },
      forget: () => {},
    },
    configuration: { skipLabels: [], skipAnnotations: [] },
    checkOptionsOf: () => ({ method: 'HEAD', timeoutMs: 0, resolveDigest: false }),
    restore: async () => succeed([]),
    isNodeOnly: () => false,
    ...given,
  });
  monitoring.onCheck((check) => checks.push(check));
  system.start();
  onTestFinished(() => {
    registries.close();
    system.stop();
  });
  return {
    ...{ runtime, clock, pods, sent, checks, secrets, system, monitoring },
    /** What crashed. */
    bugs: () => runtime.lines().filter(({ msg }) => msg === 'an actor crashed'),
    lead: async () => {
      resources.finishList(new Set([...resources.values()].map(({ metadata }) => metadata.name)));
      pods.finishList(new Set([...pods.values()].map((pod) => `${pod.namespace}/${pod.name}`)));
      system.lead({ unrecordedUntilMs: given.unrecordedUntilMs });
      await turns();
    },
    answerWith: (next: typeof answer) => {
      answer = next;
    },
    /** A review asked, and this is what a registry told it. */
    see: (probe: RegistryProbe, report: ProbeReport) => {
      if (report.kind === 'Answered') answers.tell(probe, report);
    },
    /** One that is declared under another uid takes the place of the one before. */
    declare: (name: string, spec: ClusterImageSetAvailabilitySpec, generation = 1, uid = name) => {
      const { observedGeneration: observed } = given;
      const ready = { type: 'Ready', status: 'True', reason: 'Valid', message: '' } as const;
      const condition = { ...ready, lastTransitionTime: '', observedGeneration: observed };
      resources.put(name, {
        apiVersion: 'kuik.enix.io/v1alpha1',
        kind: 'ClusterImageSetAvailability',
        metadata: { name, uid, generation },
        ...{ spec, status: { conditions: [condition] } },
      } as KuikResource);
    },
    remove: (name: string) => resources.remove(name),
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

/** Nobody asks the registries themselves. */
function unasked(): Promise<never> {
  return Promise.reject(new Error('The stage answers for the client.'));
}

/** The table of what is stored, compiled at once. */
function keepTable(resources: Store<KuikResource>): TrackingOptions['table'] {
  let table: RoutingTable = compileTable([]);
  const { subscribe, tell } = new Listeners<[table: RoutingTable]>();
  resources.subscribe(() => {
    table = compileTable([...resources.values()], table);
    tell(table);
  });
  return {
    current: () => table,
    subscribe,
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
