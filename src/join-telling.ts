import type { EventRecorder } from '#actors/leader/record-events.ts';
import type { Service } from '#actors/system.ts';
import type { KuikKind, KuikResource } from '#api/kinds.ts';
import type { OperatorConfiguration } from '#config/operator-configuration.ts';
import type { TrackedImage, TrackedImages } from '#core/monitoring/tracked-image.ts';
import type { WorkloadPod, WorkloadsState } from '#core/monitoring/workloads.ts';
import { reportWorkloads } from '#core/monitoring/workloads-report.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { MetricsPorts } from '#http/metrics.ts';
import type { KubeClient } from '#kube/client.ts';
import { createStore, type Store } from '#kube/store.ts';
import type { Log } from '#telemetry/log.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import {
  type CheckFigures,
  monitoringMetrics,
  type PaceFigures,
} from '#telemetry/monitoring-metrics.ts';
import { tellAvailabilityLogic } from './actors/reporting/availability-events.ts';
import { findWorkloads } from './actors/reporting/find-workloads.ts';
import { overflowShards } from './actors/reporting/overflow-shards.ts';
import { type RoundMessages, roundMessages } from './actors/reporting/ready-messages.ts';
import { type ImagesView, presentImages } from './actors/reporting/reported-images.ts';
import { availabilityRestorer } from './actors/reporting/restore-availability.ts';
import { availabilityWriter } from './actors/reporting/write-availability.ts';
import type { TimerHeap } from './actors/timer-heap.ts';
import { pacingOf } from './join-monitoring.ts';

/** What the telling half of monitoring is joined from. */
export interface TellingInput {
  readonly configuration: OperatorConfiguration;
  readonly client: KubeClient;
  /** The operator's own, where the overflow is kept. */
  readonly namespace: string;
  readonly clock: TimerHeap;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly events: EventRecorder;
  readonly stores: ReadonlyMap<KuikKind, Store<KuikResource>>;
  readonly pods: Store<WorkloadPod>;
  readonly table: () => RoutingTable;
  /** Whether this process leads. */
  readonly leads: () => boolean;
}

/** What monitoring keeps in the cluster and shows of itself; nothing is read or written yet. */
export interface TellingRooms {
  /** What status and overflow say was tracked; for whoever begins to track. */
  readonly restore: (resource: string, signal: AbortSignal) => Promise<readonly TrackedImage[]>;
  /** Shows what is tracked from here on; called once, before the system starts. */
  readonly show: (tracked: TrackedImages, progress: ShownProgress) => ShownRooms;
}

/** How far the checks are, as metrics and messages show it. */
export interface ShownProgress {
  readonly pace: PaceFigures & {
    /** Images that take turns on each registry of a resource. */
    readonly countsOf: (resource: string) => ReadonlyMap<string, number>;
  };
  /**
   * Whether a resource's images are planned by its present spec, so that it tracks all that are
   * `listed`; true of one that is left out.
   */
  readonly isPlanned: (resource: string, listed?: readonly string[]) => boolean;
}

/** What shows the images that are tracked. */
export interface ShownRooms {
  /** Run while this process leads: after the actors that track, so that they end before these. */
  readonly leaderServices: readonly Service[];
  readonly onCheck: (check: CheckFigures) => void;
  /** For the writer of conditions: how long a full round takes. */
  readonly conditions: RoundMessages;
  /** What the metrics port shows beside the metrics. */
  readonly status: NonNullable<MetricsPorts['status']>;
  /** Writes what is still to be written, within 5 s; before the Lease is released. */
  readonly flush: () => Promise<void>;
}

/** Joins status writer, events, metrics and pages to whatever tracks the images. */
export function joinTelling(input: TellingInput): TellingRooms {
  const { client, namespace, clock, log } = input;
  const overflow = overflowShards(client, namespace);
  const means = { ...{ client, overflow, clock, log }, random: Math.random };
  const restore = availabilityRestorer(means);
  return {
    restore,
    show: (tracked, { pace, isPlanned }) =>
      show(input, tracked, { pace, isPlanned, means, restore }),
  };
}

function show(
  input: TellingInput,
  tracked: TrackedImages,
  given: ShownProgress & {
    readonly restore: TellingRooms['restore'];
    readonly means: Omit<Parameters<typeof availabilityWriter>[0], 'tracked'>;
  },
): ShownRooms {
  const { clock, events, metrics, leads } = input;
  const resources = input.stores.get('ClusterImageSetAvailability') ?? createStore<KuikResource>();
  const writer = availabilityWriter({ ...given.means, tracked });
  const uidOf = (resource: string) => resources.get(resource)?.metadata.uid;
  const images = presentImages({ ...{ tracked, resources, clock }, restore: given.restore });
  const stateOf = (known: ImagesView): WorkloadsState => ({
    pods: input.pods.values(),
    scopes: input
      .table()
      .availabilities.map(({ identity, matchesPod }) => ({ name: identity.name, matchesPod })),
    tracked: known,
  });
  const shown = monitoringMetrics(metrics.registry, {
    ...{ tracked, pace: given.pace, now: Date.now },
    workloads: async () => (leads() ? await findWorkloads(stateOf(tracked)) : []),
    ageBuckets: input.configuration.metrics.imageLastMonitorAgeMinutes.legacy,
  });
  return {
    leaderServices: [
      { id: 'availability-status', logic: writer.logic },
      {
        id: 'availability-events',
        logic: tellAvailabilityLogic({ ...{ tracked, uidOf, events, clock } }),
      },
    ],
    onCheck: shown.check,
    conditions: roundMessages({
      ...{ tracked, clock, isPlanned: given.isPlanned },
      countsOf: given.pace.countsOf,
      paceOf: (registry) => pacingOf(input.configuration, registry),
    }),
    status: {
      images,
      workloads: async (name) => {
        const state = stateOf(await images());
        return reportWorkloads(await findWorkloads(state, name), state);
      },
    },
    flush: writer.flush,
  };
}
