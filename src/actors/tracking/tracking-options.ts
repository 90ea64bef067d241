import type { AnyActorRef } from 'xstate';
import type { RoutingTableKeeper } from '#actors/keep-routing-table.ts';
import type { Registries } from '#actors/registries/registries.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import type { Pace } from '#core/monitoring/pace.ts';
import type { UsingPod } from '#core/monitoring/use.ts';
import type { Store } from '#kube/store.ts';
import type { AvailabilityPorts } from './availability-ports.ts';
import type { CheckManner, CheckSecrets } from './check-image.ts';
import type { NamedPod } from './pod-uses.ts';

/** What monitoring is made of. */
export interface MonitoringOptions extends AvailabilityPorts {
  readonly clock: TimerHeap;
  /** Wall time in ms. */
  readonly now: () => number;
  readonly table: Pick<RoutingTableKeeper, 'current' | 'subscribe'>;
  readonly pods: Store<NamedPod>;
  /** Resolves once the Pods and the resources have been read whole. */
  readonly synced: Promise<unknown>;
  readonly isSynced: () => boolean;
  /** The generation that the last leader's condition of a resource is about. */
  readonly observedGeneration: (resource: string) => number | undefined;
  readonly leavesAlone: (pod: UsingPod) => boolean;
  readonly registries: Pick<Registries, 'probe'>;
  readonly secrets: CheckSecrets;
  readonly paceOf: (registry: string) => Pace;
  readonly mannerOf: (registry: string) => CheckManner;
  readonly inFlightMaxOf: (registry: string) => number;
  /**
   * Wall time up to which a leader before this one may have checked without recording it; asked
   * when a term begins.
   */
  readonly unrecordedUntilMs: () => number | 'unknown' | undefined;
  /** A service of the running root by its id. */
  readonly find: (id: string) => AnyActorRef | undefined;
  readonly onCrash: (id: string, error: unknown) => void;
  readonly onBug: (error: unknown) => void;
}
