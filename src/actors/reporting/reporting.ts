import type { Conditions } from '#actors/conditions/conditions.ts';
import type { EventRecorder } from '#actors/event-recorder.ts';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import type { SecretAccess } from '#actors/secrets/secret-access.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { Tracking } from '#actors/tracking/tracking.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import type { KuikResource } from '#api/kinds.ts';
import type { Pace } from '#core/monitoring/pace.ts';
import type { ImagesView } from '#core/monitoring/tracked-image.ts';
import type { WorkloadPod, WorkloadsState } from '#core/monitoring/workloads.ts';
import { reportWorkloads, type WorkloadsReport } from '#core/monitoring/workloads-report.ts';
import { createStore, type Store } from '#kube/store.ts';
import type { AgeBuckets } from '#telemetry/age-buckets.ts';
import { monitoringMetrics } from '#telemetry/monitoring-metrics.ts';
import { addAvailabilityEvents } from './availability-events.ts';
import { type AvailabilityStore, ownerOf } from './availability-store.ts';
import { findKnown, findWorkloads } from './find-workloads.ts';
import { addReadyMessages } from './ready-messages.ts';
import { reportedImages } from './reported-images.ts';
import { addStatusWriters } from './status-writers.ts';

/**
 * What is told of monitored images: statuses with their overflow, events, `Ready` messages and
 * metrics while this process leads; pages always. Added after what tracks the images, so that it ends
 * before that.
 */
export function addReporting(system: KuikSystem, options: ReportingOptions): Reporting {
  const { store, tracking, events, conditions, table, paceOf, ageBuckets } = options;
  const { tracked, pace, isPlanned } = tracking;
  const { clock, metrics, now } = system.runtime;
  const resources =
    options.resources.kuik.get('ClusterImageSetAvailability') ?? createStore<KuikResource>();
  const images = reportedImages(clock, {
    ...{ own: tracked, resources: () => resources.values(), store },
    nameOf: ({ metadata }) => metadata.name,
  });
  const stateOf = (known: ImagesView): WorkloadsState => ({
    pods: options.resources.pods.values(),
    scopes: table
      .current()
      .availabilities.map(({ identity, matchesPod }) => ({ name: identity.name, matchesPod })),
    tracked: known,
  });
  const find = async (state: WorkloadsState, namespace?: string) =>
    await findKnown(await findWorkloads(state, namespace), options.secrets.access.mayRead);
  const { flush } = addStatusWriters(system, {
    ...{ images: tracked, store },
    ids: { writers: 'status-writers', changes: 'status-changes' },
  });
  addAvailabilityEvents(system, {
    ...{ tracked, events },
    ownerOf: (resource) => {
      const uid = resources.get(resource)?.metadata.uid;
      return uid === undefined ? undefined : ownerOf(resource, uid);
    },
  });
  conditions.contribute(addReadyMessages(system, { tracked, pace, paceOf, isPlanned }));
  const countCheck = monitoringMetrics(metrics.registry, {
    ...{ tracked, pace, now, ageBuckets, isKept: metrics.isKept },
    workloads: async () => (system.leads() ? (await find(stateOf(tracked))).workloads : []),
  });
  tracking.onCheck(countCheck);
  return {
    images,
    workloads: async (namespace) => {
      const state = stateOf(await images());
      return reportWorkloads(await find(state, namespace), state);
    },
    flush,
  };
}

/** What is told of images, and from what. */
export interface ReportingOptions {
  readonly store: AvailabilityStore;
  readonly tracking: Pick<Tracking, 'tracked' | 'pace' | 'isPlanned' | 'onCheck'>;
  readonly resources: Pick<WatchedResources, 'kuik'> & { readonly pods: Store<WorkloadPod> };
  readonly table: Pick<RoutingTableKeeper, 'current'>;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly conditions: Conditions;
  /** Whether it is known here what opens the images of a namespace. */
  readonly secrets: { readonly access: Pick<SecretAccess, 'mayRead'> };
  /** The configured pace of a registry's checks. */
  readonly paceOf: (registry: string) => Pace;
  /** `metrics.imageLastMonitorAgeMinutes.legacy`. */
  readonly ageBuckets: AgeBuckets;
}

/** What others ask of it. */
export interface Reporting {
  /** All monitored images as this replica knows them, the leader's own or those of the statuses. */
  readonly images: () => Promise<ImagesView>;
  /** The workloads at risk, of one namespace or of all. */
  readonly workloads: (namespace?: string) => Promise<WorkloadsReport>;
  /** Writes what is still to be written, within 5 s; before the Lease is released. */
  readonly flush: () => Promise<void>;
}
