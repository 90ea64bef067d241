import type { Conditions } from '#actors/conditions/conditions.ts';
import type { EventRecorder } from '#actors/event-recorder.ts';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import { apiVersion, type KuikResource, resourceName } from '#api/kinds.ts';
import { placeKey } from '#core/mirroring/copy-places.ts';
import type { MirroredImages, MirroredImagesView } from '#core/mirroring/mirrored-image.ts';
import type { MirroringView } from '#core/mirroring/running-copy.ts';
import {
  type CleaningResource,
  type CleanupItem,
  forecastCleanup,
} from '#core/mirroring/status-cleanup.ts';
import {
  createMirroringReport,
  type MirroringReport,
  type MirrorOf,
  mirrorAbove,
} from '#core/mirroring/status-report.ts';
import { readPodImages } from '#core/monitoring/pod-images-in-use.ts';
import { isFinished } from '#core/pod.ts';
import type { CompiledMirror, CompiledResource } from '#core/routing/compiled.ts';
import type { ImageBearer } from '#core/routing/rewritten-images.ts';
import { compileTable } from '#core/routing/table.ts';
import type { Store } from '#kube/store.ts';
import { finishInTurns, forEachInTurns } from '#telemetry/in-turns.ts';
import {
  type MirroringMetrics,
  type MirroringMetricsOptions,
  mirroringMetrics,
  type ShownCopy,
} from '#telemetry/mirroring-metrics.ts';
import { addMirrorConditions } from './mirror-conditions.ts';
import { type MirrorStore, mirrorIdentity } from './mirror-store.ts';
import { reportedImages } from './reported-images.ts';

/**
 * What is told of mirrored images: conditions and events while this process leads; pages always. Their
 * statuses are `mirror-status.ts`'s, which those who push copies wait for.
 */
export function addMirrorReporting(
  system: KuikSystem,
  options: MirrorReportingOptions,
): MirrorReporting {
  const { images, running, isPlanned, store, events, conditions, table, queues } = options;
  const { clock, metrics, now } = system.runtime;
  const all = () => mirrorResources(options.resources.kuik);
  const find = (resource: string) => all().find((one) => resourceName(one) === resource);
  conditions.contribute(
    addMirrorConditions(system, {
      ...{ images, isPlanned, events, find },
      ownerOf: (resource) => {
        const uid = find(resource)?.metadata.uid;
        return uid === undefined ? undefined : { apiVersion, ...mirrorIdentity(resource), uid };
      },
    }),
  );
  const known = reportedImages(clock, { own: images, resources: all, store, nameOf: resourceName });
  const mirrors = () => compiledMirrors(all(), table.current());
  const runningHere = () => (system.leads() ? running() : []);
  const isNamed = clusterMirrors(table.current);
  return {
    running: runningHere,
    metrics: mirroringMetrics(metrics.registry, {
      ...{ queues, now: clock.now, isKept: isNamed },
      copies: () => shownCopies(images, mirrorOf(mirrors())),
    }),
    report: async () => {
      const [view, compiled] = [await known(), mirrors()];
      const report = createMirroringReport(mirrorOf(compiled));
      for (const name of view.resources()) await forEachInTurns(view.imagesOf(name), report.add);
      const leads = system.leads();
      const { length: resources } = all();
      return { leads, resources, ...report.finish(), running: runningHere() };
    },
    cleanup: async () => {
      const view = await known();
      const run = await runningKeys(options.resources.pods);
      const resources = cleaningResources(all(), { view, compiled: mirrors() });
      const isRun = (key: string) => run.has(key);
      return await finishInTurns(forecastCleanup({ resources, isRun, nowMs: now() }));
    },
  };
}

/** What is told of mirrored images, and from what. */
export interface MirrorReportingOptions extends Pick<MirroringView, 'running'> {
  readonly images: MirroredImages;
  /** Whether all that a resource is to do is known in this term; true of one that is left out. */
  readonly isPlanned: (resource: string) => boolean;
  readonly store: MirrorStore;
  readonly resources: Pick<WatchedResources, 'kuik'> & { readonly pods: Store<ReportedPod> };
  readonly table: Pick<RoutingTableKeeper, 'current'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly conditions: Conditions;
  /** What waits for each mirror; none unless this process leads. */
  readonly queues: MirroringMetricsOptions['queues'];
}

/** A Pod as far as its images keep copies. */
export interface ReportedPod extends ImageBearer {
  readonly phase: string;
}

/** What others ask of it, on any replica. */
export interface MirrorReporting {
  /** Counts copies and deletions as they end. */
  readonly metrics: MirroringMetrics;
  /** Copies that are being made by this process: none unless it leads. */
  readonly running: MirroringView['running'];
  readonly report: () => Promise<MirroringReport>;
  /** Which copies are to go if nothing changes, the next first. */
  readonly cleanup: () => Promise<readonly CleanupItem[]>;
}

type CompiledMirrors = ReadonlyMap<string, CompiledMirror>;

function mirrorResources(kuik: WatchedResources['kuik']): readonly KuikResource[] {
  const kinds = ['ClusterImageSetMirror', 'ImageSetMirror'] as const;
  return kinds.flatMap((kind) => [...(kuik.get(kind)?.values() ?? [])]);
}

/** By name; of those that are being deleted, which no table has, what they said last. */
function compiledMirrors(
  resources: readonly KuikResource[],
  table: ReturnType<RoutingTableKeeper['current']>,
): CompiledMirrors {
  const leaving = resources.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  const last = compileTable(
    leaving.map((resource) => {
      const { deletionTimestamp: _, ...metadata } = resource.metadata;
      return { ...resource, metadata };
    }),
  );
  return new Map(
    resources.map(resourceName).flatMap((name) => {
      const compiled = table.find(name) ?? last.find(name);
      return compiled?.type === 'mirror' ? [[name, compiled] as const] : [];
    }),
  );
}

/** Whether a cluster-scoped resource names a mirror; found out once for each table. */
function clusterMirrors(current: RoutingTableKeeper['current']): (mirror: string) => boolean {
  let table: ReturnType<typeof current> | undefined;
  let named: ReadonlySet<string> = new Set();
  return (mirror) => {
    if (table !== current()) {
      table = current();
      named = new Set([...table.entries.keys()].flatMap((name) => namedBy(table?.find(name))));
    }
    return named.has(mirror);
  };
}

function namedBy(compiled: CompiledResource | undefined): readonly string[] {
  const isNaming = compiled?.type === 'mirror' && compiled.identity.namespace === undefined;
  return isNaming ? mirrorsOf(compiled) : [];
}

function mirrorsOf({ entries }: Pick<CompiledMirror, 'entries'>): readonly string[] {
  return entries.map(({ location: { registry, path } }) =>
    [registry, path].filter(Boolean).join('/'),
  );
}

function mirrorOf(compiled: CompiledMirrors): MirrorOf {
  const mirrors = new Map([...compiled].map(([name, mirror]) => [name, mirrorsOf(mirror)]));
  return (resource, copy) => mirrorAbove(mirrors.get(resource) ?? [], copy);
}

function* shownCopies(images: MirroredImagesView, findMirror: MirrorOf): Generator<ShownCopy> {
  for (const resource of images.resources()) {
    for (const { copies } of images.imagesOf(resource)) {
      for (const { copy, state } of copies) yield { mirror: findMirror(resource, copy), state };
    }
  }
}

function cleaningResources(
  resources: readonly KuikResource[],
  { view, compiled }: { readonly view: MirroredImagesView; readonly compiled: CompiledMirrors },
): readonly CleaningResource[] {
  return resources.map((object) => {
    const resource = resourceName(object);
    const mirror = compiled.get(resource);
    const present = mirror === undefined ? 'unknown' : 'planned';
    const isLeaving = object.metadata.deletionTimestamp !== undefined;
    return {
      ...{ resource, entries: mirror?.entries ?? [], images: view.imagesOf(resource) },
      phase: isLeaving ? 'deleting' : present,
    };
  });
}

/** The places of all images that Pods run. */
async function runningKeys(pods: Store<ReportedPod>): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  await forEachInTurns(pods.values(), (pod) => {
    if (isFinished(pod)) return;
    for (const { reference } of readPodImages(pod)) keys.add(placeKey(reference));
  });
  return keys;
}
