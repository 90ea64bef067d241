import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import { concurrencyDefault, type Registries } from '#actors/registries/registries.ts';
import type { SecretReader } from '#actors/secrets/secrets.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import type { KuikResource } from '#api/kinds.ts';
import { readOwn } from '#config/mapping.ts';
import type { OperatorConfiguration, PacingConfiguration } from '#config/operator-configuration.ts';
import { leavesAlone } from '#core/routing/containers.ts';
import type { Log } from '#telemetry/log.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import type { TimerHeap } from './actors/timer-heap.ts';
import type { AvailabilityPorts } from './actors/tracking/availability-ports.ts';
import { createMonitoring, type Monitoring } from './actors/tracking/tracking.ts';

/** What monitoring is joined from; the ports are those of the half that tells of it. */
export interface MonitoringInput {
  readonly configuration: OperatorConfiguration;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'actorCrash'>;
  readonly clock: TimerHeap;
  readonly resources: WatchedResources;
  readonly table: RoutingTableKeeper;
  readonly registries: Registries;
  readonly secrets: SecretReader;
  readonly ports: AvailabilityPorts;
  readonly system: () => KuikSystem;
}

/** Joins the Pods, the registries and the Secrets to what is tracked and checked. */
export function joinMonitoring(input: MonitoringInput): Monitoring {
  const { configuration, log, metrics, resources } = input;
  const paceOf = (host: string) => pacingOf(configuration, host);
  const availabilities = resources.kuik.get('ClusterImageSetAvailability');
  const { pods } = resources;
  return createMonitoring({
    ...input,
    ...input.ports,
    ...{ pods, paceOf, mannerOf: paceOf },
    now: Date.now,
    synced: Promise.all([pods.synced, availabilities?.synced]),
    isSynced: () => pods.isSynced() && availabilities?.isSynced() === true,
    observedGeneration: (resource) => observedGenerationOf(availabilities?.get(resource)),
    leavesAlone: (pod) => leavesAlone(pod, configuration) !== undefined,
    inFlightMaxOf: (host) => {
      const concurrency =
        readOwn(configuration.registries, host)?.concurrency ?? concurrencyDefault;
      // Half of the places, so that what hangs without a limit leaves the rest to routing.
      return Math.max(1, Math.floor(concurrency / 2));
    },
    unrecordedUntilMs: () => input.system().unrecordedUntilMs(),
    find: (id) => input.system().root.getSnapshot().children.get(id),
    onCrash: (actor, error) => {
      metrics.actorCrash(actor.split(':')[0] ?? actor);
      log.error({ actor, err: error }, 'an actor crashed');
    },
    onBug: (error) => log.error({ err: error }, 'something nobody waited for failed'),
  });
}

function observedGenerationOf(resource: KuikResource | undefined): number | undefined {
  return resource?.status?.conditions?.find(({ type }) => type === 'Ready')?.observedGeneration;
}

/** The pace of one registry's checks: its own, else that of all others. */
export function pacingOf(
  { monitoring }: Pick<OperatorConfiguration, 'monitoring'>,
  host: string,
): PacingConfiguration {
  return readOwn(monitoring.registries.items, host) ?? monitoring.registries.default;
}
