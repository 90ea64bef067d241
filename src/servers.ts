import type { ActorView } from '#actors/actor-view.ts';
import type { ServingCertificate } from '#actors/certificate/keep-certificate.ts';
import { createMachineViews } from '#actors/machine-view.ts';
import type { OperatorConfiguration } from '#config/operator-configuration.ts';
import type { AccessPort } from '#core/access.ts';
import { buildDebugApp } from '#http/debug.ts';
import { buildHealthApp } from '#http/health.ts';
import { type Listener, listen } from '#http/listen.ts';
import { buildMetricsApp, type MetricsPorts } from '#http/metrics.ts';
import { listenTls, type TlsListener } from '#http/tls.ts';
import { buildWebhookApp } from '#http/webhook.ts';
import { allMachines } from '#machines/all-machines.ts';
import type { Log } from '#telemetry/log.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import type { OperatorFlags } from './command/flags.ts';
import type { RoutingRooms } from './join-routing.ts';

/** What is served, and where. */
export interface ServersInput {
  readonly flags: OperatorFlags;
  readonly configuration: OperatorConfiguration;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly routing: RoutingRooms;
  /** What monitoring shows at the metrics port. */
  readonly status?: MetricsPorts['status'];
  /** Whether each cache has been read whole, by resource. */
  readonly synced: () => Readonly<Record<string, boolean>>;
  readonly actors: () => ActorView;
  /** Who may look at the debug endpoint where it is reached from outside. */
  readonly access: AccessPort;
}

/** All that listens (behaviour §8). */
export interface Servers {
  /** Opens metrics, health and debug; the webhook opens with its first certificate. */
  readonly listen: () => Promise<void>;
  readonly takeCertificate: (certificate: ServingCertificate) => void;
  /** Not ready any more; reviews are accepted for a while yet, and those in flight finished. */
  readonly drain: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A question about a Pod carries its annotations in the URL: 256 KiB, escaped. */
const debugHeaderBytesMax = 1_048_576;

/** Makes the servers; nothing listens yet. */
export function createServers(input: ServersInput): Servers {
  return new OperatorServers(input);
}

class OperatorServers implements Servers {
  readonly #input: ServersInput;
  readonly #plain: Listener[] = [];
  #webhook: Promise<TlsListener> | undefined;
  #webhookListens = false;
  #draining = false;

  constructor(input: ServersInput) {
    this.#input = input;
  }

  readonly listen = async (): Promise<void> => {
    const { flags, log, metrics, routing, actors, access } = this.#input;
    const readiness = () => this.#readiness();
    const machines = createMachineViews(allMachines);
    const debug = { actors, machines, explain: routing.router.explain, access, log };
    const { debugAddress, debugPort } = flags;
    const { status } = this.#input;
    const shown = { metrics: metrics.text, log, ...(status !== undefined && { status }) };
    this.#plain.push(
      await listen(buildHealthApp({ readiness, log }), { port: flags.healthPort }),
      await listen(buildMetricsApp(shown), { port: flags.metricsPort }),
      await listen(buildDebugApp(debug, { address: debugAddress, hosts: [] }), {
        ...{ port: debugPort, host: debugAddress, headerBytesMax: debugHeaderBytesMax },
      }),
    );
  };

  readonly takeCertificate = (certificate: ServingCertificate): void => {
    const { flags, log } = this.#input;
    if (this.#draining) return;
    if (this.#webhook !== undefined) {
      this.#webhook.then((listener) => {
        const taken = listener.setCertificate(certificate);
        if (!taken.ok) log.error({ problem: taken.error }, 'the new certificate cannot serve');
      }, this.#failed);
      return;
    }
    this.#webhook = listenTls(this.#webhookApp(), { port: flags.webhookPort, certificate });
    this.#webhook.then(() => {
      this.#webhookListens = true;
      log.info({ port: flags.webhookPort }, 'the webhook listens');
    }, this.#failed);
  };

  readonly drain = async (): Promise<void> => {
    this.#draining = true;
    const webhook = await this.#webhook?.catch(() => undefined);
    await webhook?.drain();
  };

  readonly close = async (): Promise<void> => {
    await Promise.all(this.#plain.map((listener) => listener.close()));
  };

  /** Told, and tried again with the next certificate: a port may be free by then. */
  readonly #failed = (error: unknown): void => {
    this.#webhook = undefined;
    this.#input.log.error({ err: error }, 'the webhook cannot listen');
  };

  #webhookApp() {
    const { configuration, log, metrics, routing } = this.#input;
    const { deadlineMs } = configuration.routing;
    return buildWebhookApp({ admit: routing.router.admit, log, metrics }, { deadlineMs });
  }

  #readiness() {
    const caches = Object.entries(this.#input.synced()).map(
      ([resource, done]) => [`cache of ${resource}`, done] as const,
    );
    const checks = Object.fromEntries([
      ...caches,
      ['certificate loaded', this.#webhook !== undefined],
      ['webhook listening', this.#webhookListens],
      ['not stopping', !this.#draining],
    ]);
    return { ready: Object.values(checks).every(Boolean), checks };
  }
}
