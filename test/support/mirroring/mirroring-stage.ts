import { onTestFinished } from 'vitest';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { MirroringActors } from '#actors/mirroring/mirroring-actors.ts';
import type { MirroringMeans } from '#actors/mirroring/mirroring-means.ts';
import { SourceQuotas } from '#actors/mirroring/source-quotas.ts';
import { addRegistries } from '#actors/registries/registries.ts';
import { mirrorStore } from '#actors/reporting/mirror-store.ts';
import { KuikSystem } from '#actors/system.ts';
import { type KuikKind, type KuikResource, kinds } from '#api/kinds.ts';
import { formatReference } from '#core/image/reference.ts';
import { Listeners } from '#core/listeners.ts';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import type { Pace } from '#core/monitoring/pace.ts';
import type { FinishedCheck } from '#core/monitoring/pace-view.ts';
import { succeed } from '#core/result.ts';
import { compileTable, type RoutingTable } from '#core/routing/table.ts';
import type { SecretAnswer } from '#core/secret.ts';
import type { KubeClient } from '#kube/client.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import { createStore } from '#kube/store.ts';
import { createTestRuntime, startOfTime } from '#test/support/time/test-runtime.ts';
import { turns } from '#test/support/time/turns.ts';
import { createCopierTwin } from './copier-twin.ts';
import { createResourceServer, type KuikStores } from './resource-server.ts';

/** The first moment of the stage, wall time in ms. */
export const stageStartMs = startOfTime;

/** What a stage is told beside what it is told later. */
export interface MirroringStageOptions {
  readonly concurrency?: number;
  readonly copyPace?: Pace;
  readonly quotas?: SourceQuotas;
}

/** Mirroring on simulated time, with registries and an API server in memory. */
export function startMirroring(given: MirroringStageOptions = {}) {
  const runtime = createTestRuntime();
  const system = new KuikSystem(runtime);
  const pods = createStore<SlimPod>();
  const kuik = new Map(kinds.map(({ kind }) => [kind, createStore<KuikResource>()]));
  const secrets = new Map<string, SecretAnswer>();
  const secretsChanged = new Listeners();
  const twin = createCopierTwin();
  const server = createResourceServer(kuik, pods);
  const lost = new Listeners<[{ readonly resource: string; readonly copy: string }]>();
  const checked = new Listeners<[check: FinishedCheck]>();
  const client = { call: server.call } as unknown as KubeClient;
  const registries = addRegistries(system, {
    ...{ paceOf: () => ({ intervalMs: 1_000, maxPerInterval: 1 }), pingTimeoutMs: 1_000 },
    treatmentOf: () => ({}),
    probeImage: async ({ reference }) => {
      const digest = twin.images.get(formatReference(reference));
      if (digest === undefined) return { kind: 'NotFound', message: 'no such image' };
      return { kind: 'Available', digest };
    },
    client: {
      ping: async () => succeed(200),
      manifest: () => Promise.reject(new Error('The stage answers for the client.')),
    },
  });
  const options: MirroringMeans = {
    ...{ client, namespace: 'kuik-system', table: keepTable(kuik), registries },
    resources: { pods, kuik, architectures: () => new Set(['amd64']) },
    store: mirrorStore(runtime, { client, namespace: 'kuik-system' }),
    secrets: {
      reader: {
        read: async ({ namespace, name }) =>
          secrets.get(`${namespace}/${name}`) ?? { kind: 'missing' },
      },
      sources: { subscribe: secretsChanged.subscribe },
    },
    copier: twin.copier,
    lostCopies: { subscribe: lost.subscribe } as MirroringMeans['lostCopies'],
    tracking: { onCheck: checked.subscribe },
    configuration: {
      ...{ skipLabels: [], skipAnnotations: [] },
      mirroring: { concurrency: given.concurrency ?? 2, platforms: 'all' },
    },
    copyPaceOf: () => given.copyPace,
    quotas: given.quotas ?? new SourceQuotas(runtime, 0.3),
    leads: () => system.term() !== undefined,
    deleteWithinMs: 5_000,
    isNodeOnly: (reference) => reference.registry === 'node-only.example.com',
    news: { copied: () => {}, deleted: () => {}, abandoned: () => {} },
  };
  const mirroring = new MirroringActors(system, options);
  system.start();
  onTestFinished(() => {
    registries.close();
    system.stop();
  });
  const storeOf = (kind: KuikKind) => kuik.get(kind) ?? createStore<KuikResource>();

  return {
    ...{ runtime, system, mirroring, twin, secrets, pods, server, registries, kuik },
    /** What crashed. */
    bugs: () => runtime.lines().filter(({ msg }) => msg === 'an actor crashed'),
    lead: async () => {
      for (const store of kuik.values()) store.finishList(new Set(keysOf(store.values())));
      pods.finishList(new Set(keysOf([...pods.values()].map((metadata) => ({ metadata })))));
      // As tracking does, which stands before mirroring.
      registries.turns.begin({ unrecordedUntilMs: undefined, run: async () => {} });
      registries.turns.open();
      system.lead({ unrecordedUntilMs: undefined });
      await turns();
    },
    /** A resource; one that is there gets another spec, and one more generation. */
    declare: (kind: KuikKind, name: string, spec: object, more: object = {}) => {
      const [own = '', namespace] = name.split('/').toReversed();
      const key = namespace === undefined ? own : name;
      const before = storeOf(kind).get(key);
      const generation = (before?.metadata.generation ?? 0) + 1;
      const metadata = { name: own, uid: name, generation, ...(namespace && { namespace }) };
      const status = before?.status;
      const object = { apiVersion: 'kuik.enix.io/v1alpha1', kind, metadata, spec, status, ...more };
      storeOf(kind).put(key, object as unknown as KuikResource);
    },
    /** The API server is asked to delete it: it goes at once, or is marked where it has finalizers. */
    remove: (kind: KuikKind, name: string) => {
      const store = storeOf(kind);
      const present = store.get(name);
      if (present === undefined) return;
      const { finalizers = [] } = present.metadata;
      if (finalizers.length === 0) store.remove(name);
      else {
        const deletionTimestamp = new Date(runtime.now()).toISOString();
        const metadata = { ...present.metadata, deletionTimestamp };
        store.put(name, { ...present, metadata } as KuikResource);
      }
    },
    run: (name: string, image: string, more: Partial<SlimPod> = {}) => {
      const pod: SlimPod = {
        ...{ uid: name, namespace: 'apps', name, labels: {}, annotations: {}, pullSecrets: [] },
        ...{ images: { app: image }, phase: 'Running', createdMs: 0 },
        ...more,
      } as SlimPod;
      pods.put(`${pod.namespace}/${name}`, pod);
    },
    end: (name: string, namespace = 'apps') => pods.remove(`${namespace}/${name}`),
    /** Time passes in small steps, and what it brings about comes about. */
    pass: async (durationMs: number, stepMs = 50) => {
      for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
        runtime.clock.advance(Math.min(stepMs, durationMs - passedMs));
        await turns();
      }
    },
    changeSecrets: secretsChanged.tell,
    lose: (resource: string, copy: string) => lost.tell({ resource, copy }),
    /** A ClusterImageSetAvailability had an image checked. */
    check: (image: string, result: string) =>
      checked.tell({ registry: '', image, result, durationMs: 1 }),
    images: (resource: string): readonly MirroredImage[] => [
      ...mirroring.images.imagesOf(resource),
    ],
    stateOf: (id: string) => system.observer.get(id)?.states,
  };
}

function keysOf(objects: Iterable<{ readonly metadata: { name: string; namespace?: string } }>) {
  return [...objects].map(({ metadata: { name, namespace } }) =>
    namespace === undefined ? name : `${namespace}/${name}`,
  );
}

/** The table of what is stored, compiled at once. */
function keepTable(stores: KuikStores): Pick<RoutingTableKeeper, 'current' | 'subscribe'> {
  let table: RoutingTable = compileTable([]);
  const { subscribe, tell } = new Listeners<[table: RoutingTable]>();
  for (const store of stores.values()) {
    store.subscribe(() => {
      const all = [...stores.values()].flatMap((one) => [...one.values()]);
      table = compileTable(all, table);
      tell(table);
    });
  }
  return { current: () => table, subscribe };
}
