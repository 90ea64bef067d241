import type { Monitoring } from './actors/tracking/tracking.ts';
import { joinMonitoring, type MonitoringInput } from './join-monitoring.ts';
import type { RoutingRooms } from './join-routing.ts';
import { joinTelling, type ShownRooms, type TellingInput } from './join-telling.ts';

/** What monitoring is joined from. */
export interface AvailabilityInput
  extends Omit<MonitoringInput, 'ports' | 'registries' | 'secrets' | 'metrics'>,
    Pick<TellingInput, 'client' | 'namespace' | 'events' | 'metrics'> {
  readonly routing: Pick<RoutingRooms, 'registries' | 'secrets'>;
}

/** Monitoring: what knows of images, and what keeps and tells of that. */
export interface AvailabilityRooms
  extends Pick<Monitoring, 'onAnswer'>,
    Pick<ShownRooms, 'leaderServices' | 'conditions' | 'status'> {
  /** Ends checks, and writes what is still to be written; before the Lease is released. */
  readonly drain: () => Promise<void>;
}

/** Joins the two halves to each other. */
export function joinAvailability(input: AvailabilityInput): AvailabilityRooms {
  const { resources, table, routing, system } = input;
  const telling = joinTelling({
    ...input,
    ...{ stores: resources.kuik, pods: resources.pods, table: table.current },
    leads: () => system().leads(),
  });
  const monitoring: Monitoring = joinMonitoring({
    ...input,
    ...{ registries: routing.registries, secrets: routing.secrets },
    ports: { restore: telling.restore, onCheck: (check) => shown.onCheck(check) },
  });
  const shown: ShownRooms = telling.show(monitoring.tracked, monitoring);
  return {
    ...{ conditions: shown.conditions, status: shown.status, onAnswer: monitoring.onAnswer },
    // Removed in reverse: who tells ends before those that are told of.
    leaderServices: [...monitoring.leaderServices, ...shown.leaderServices],
    drain: async () => {
      await monitoring.drain();
      await shown.flush();
    },
  };
}
