import type { ActorRefFrom } from 'xstate';
import { probeImage } from '#actors/registries/probe-image.ts';
import {
  createRegistries,
  type Registries,
  type RegistriesOptions,
} from '#actors/registries/registries.ts';
import { type RegistriesLogic, registriesLogic } from '#actors/registries/registries-logic.ts';
import type { NothingAvailable } from '#actors/routing/nothing-available.ts';
import { createRouter, type Router } from '#actors/routing/route.ts';
import { createPlaceSecret, type SecretPlacer } from '#actors/secrets/place-secret.ts';
import { createSecretReader, type SecretReader } from '#actors/secrets/secrets.ts';
import type { KuikSystem, Service } from '#actors/system.ts';
import type { OperatorEnvironment } from '#config/environment.ts';
import { readOwn } from '#config/mapping.ts';
import type { OperatorConfiguration } from '#config/operator-configuration.ts';
import type { RoutingTable } from '#core/routing/table.ts';
import type { KubeClient } from '#kube/client.ts';
import { createOciClient } from '#oci/client.ts';
import type { Log } from '#telemetry/log.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import type { TimerHeap } from './actors/timer-heap.ts';

/** What routing is joined from. */
export interface RoutingInput {
  readonly configuration: OperatorConfiguration;
  readonly proxies: OperatorEnvironment['proxies'];
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: TimerHeap;
  readonly client: KubeClient;
  readonly table: () => RoutingTable;
  /** The running system, which supervises the registries. */
  readonly system: () => KuikSystem;
  readonly nothingAvailable: NothingAvailable;
  /** Told of what a registry answered to a review. */
  readonly onAnswer: NonNullable<RegistriesOptions['onAnswer']>;
}

/** The rooms that answer a review, joined. */
export interface RoutingRooms {
  readonly router: Router;
  /** The supervisor of the registry actors, for the root to start. */
  readonly service: Service;
  /** What the leader keeps right: what is known of Secrets, and the copies that Pods were promised. */
  readonly secrets: SecretReader;
  readonly placed: SecretPlacer;
  /** For those who ask beside reviews. */
  readonly registries: Registries;
  /** Ends what is in flight to registries and Secrets. */
  readonly close: () => Promise<void>;
}

const registriesId = 'registries';

/** Joins registries, Secrets and the routing table to the router. */
export function joinRouting(input: RoutingInput): RoutingRooms {
  const { configuration, log, metrics, clock, client, nothingAvailable } = input;
  const { activeCheck } = configuration.routing;
  const oci = createOciClient({
    registries: configuration.registries,
    proxies: input.proxies,
  });
  const onBug = (error: unknown) => log.error({ err: error }, 'something nobody waited for failed');
  const registries = createRegistries({
    supervisor: () => findRegistries(input.system()),
    probeImage: (probe, signal) => probeImage({ ...probe, client: oci, clock: clock }, signal),
    treatmentOf: (host) => readOwn(configuration.registries, host) ?? {},
    now: Date.now,
    ...{ clock, metrics, onBug, onAnswer: input.onAnswer },
  });
  const secrets = createSecretReader({ client, clock, onBug });
  const placed = createPlaceSecret({ client, clock, onBug });
  const router = createRouter({
    table: input.table,
    policy: { ...configuration, ...configuration.routing },
    placeSecret: placed.place,
    timeoutMs: activeCheck.timeoutMs,
    resolveDigest: activeCheck.resolveDigest,
    ...{ registries, secrets, clock, log, metrics, nothingAvailable },
  });
  const logic = registriesLogic({ client: oci, pingTimeoutMs: activeCheck.timeoutMs, clock });
  return {
    router,
    service: { id: registriesId, logic },
    ...{ registries, secrets, placed },
    close: async () => {
      registries.close();
      secrets.close();
      placed.close();
      await oci.close();
    },
  };
}

function findRegistries(system: KuikSystem): ActorRefFrom<RegistriesLogic> | undefined {
  const found = system.root.getSnapshot().children.get(registriesId);
  return found as ActorRefFrom<RegistriesLogic> | undefined;
}
