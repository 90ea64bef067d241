import type { ActorRefFrom } from 'xstate';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import type { EventRecorder } from '#actors/leader/record-events.ts';
import { type ConditionContributor, conditionsLogic } from '#actors/leader/write-conditions.ts';
import { tellRewritesLogic } from '#actors/routing/tell-rewrites.ts';
import { secretCopiesLogic } from '#actors/secrets/keep-secret-copies.ts';
import {
  type SecretWatches,
  type SecretWatchesLogic,
  secretWatchesId,
  watchSecrets,
} from '#actors/secrets/watch-secrets.ts';
import type { KuikSystem, Service } from '#actors/system.ts';
import type { WatchedResources } from '#actors/watch-resources.ts';
import { knowsCredentials, missingCredentials } from '#core/routing/missing-credentials.ts';
import type { KubeClient } from '#kube/client.ts';
import type { Log } from '#telemetry/log.ts';
import type { TimerHeap } from './actors/timer-heap.ts';
import type { RoutingRooms } from './join-routing.ts';

/** What leading is joined from. */
export interface LeadingInput {
  readonly client: KubeClient;
  readonly clock: TimerHeap;
  readonly log: Log;
  readonly events: EventRecorder;
  readonly table: RoutingTableKeeper;
  readonly resources: WatchedResources;
  readonly routing: Pick<RoutingRooms, 'secrets' | 'placed'>;
  /** What else is said of resources. */
  readonly more?: readonly ConditionContributor[];
  /** The running system, which supervises the watches of Secrets. */
  readonly system: () => KuikSystem;
}

/** What only the leader does for routing: conditions, copied Secrets, events of rewritten Pods. */
export function joinLeading(input: LeadingInput): readonly Service[] {
  const { client, clock, log, events, table, resources, routing, more = [] } = input;
  const { pods, kuik } = resources;
  const sources = watchSecrets({
    ...{ client, table, clock, log, random: Math.random, reader: routing.secrets },
    supervisor: () => findSecretWatches(input.system()),
  });
  const conditions = conditionsLogic({
    ...{ client, table, events, clock, log, now: Date.now },
    stores: kuik,
    more: [credentialsOf(sources), ...more],
  });
  const copies = secretCopiesLogic({
    ...{ client, table, pods, sources, clock, log, placed: routing.placed },
    synced: Promise.all([pods.synced, ...[...kuik.values()].map((store) => store.synced)]),
  });
  return [
    ...sources.services,
    { id: 'conditions', logic: conditions },
    { id: 'secret-copies', logic: copies },
    { id: 'rewrites', logic: tellRewritesLogic({ pods, events, now: Date.now }) },
  ];
}

function credentialsOf(sources: SecretWatches): ConditionContributor {
  return {
    statesOf: (resource) => missingCredentials(resource, sources.find),
    isKnown: (resource) => knowsCredentials(resource, sources.find),
    subscribe: sources.subscribe,
  };
}

function findSecretWatches(system: KuikSystem): ActorRefFrom<SecretWatchesLogic> | undefined {
  const found = system.root.getSnapshot().children.get(secretWatchesId);
  return found as ActorRefFrom<SecretWatchesLogic> | undefined;
}
