import { createActorView } from '#actors/actor-view.ts';
import type { IssuedCertificate } from '#actors/certificate/issue-certificate.ts';
import { createMachineViews } from '#actors/machine-view.ts';
import type { Reporting } from '#actors/reporting/reporting.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { OperatorConfiguration } from '#config/operator-configuration.ts';
import type { RoutingQuery } from '#core/routing/admission.ts';
import { buildDebugApp } from '#http/debug.ts';
import { buildHealthApp } from '#http/health.ts';
import { type Listener, listen } from '#http/listen.ts';
import { buildMetricsApp } from '#http/metrics.ts';
import { listenTls, type TlsListener } from '#http/tls.ts';
import { buildWebhookApp } from '#http/webhook.ts';
import { allMachines } from '#machines/all-machines.ts';
import type { OperatorFlags } from './command/flags.ts';

/** What is served, and where. */
export interface ServersOptions {
  readonly system: KuikSystem;
  readonly flags: OperatorFlags;
  readonly configuration: OperatorConfiguration;
  readonly router: RoutingQuery;
  readonly reporting: Pick<Reporting, 'images' | 'workloads'>;
  /** Whether each cache has been read whole, by resource. */
  readonly synced: () => Readonly<Record<string, boolean>>;
}

/** A question about a Pod carries its annotations in the URL: 256 KiB, escaped. */
const debugHeaderBytesMax = 1_048_576;

/** All that listens (behaviour §8); nothing does before `listen`. */
export class Servers {
  readonly #options: ServersOptions;
  readonly #plain: Listener[] = [];
  readonly #failed = Promise.withResolvers<Error>();
  #webhook: TlsListener | undefined;
  #isDraining = false;

  constructor(options: ServersOptions) {
    this.#options = options;
  }

  /** Resolves when the webhook cannot listen: a start that fails ends the process. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /** Opens metrics, health and debug; rejects with the flag that names what is taken. */
  readonly listen = async (): Promise<void> => {
    const { system, flags, router, reporting } = this.#options;
    const { log, metrics } = system.runtime;
    const { debugAddress, debugPort, healthPort, metricsPort } = flags;
    const debug = {
      actors: createActorView(system),
      machines: createMachineViews(allMachines),
      explain: router.explain,
      log,
    };
    const health = buildHealthApp({ readiness: this.#readiness, log });
    const shown = buildMetricsApp({ metrics: metrics.text, status: reporting, log });
    this.#plain.push(
      await naming(`--health-port ${healthPort}`, listen(health, { port: healthPort })),
      await naming(`--metrics-port ${metricsPort}`, listen(shown, { port: metricsPort })),
      await naming(
        `--debug-port ${debugPort} at --debug-address ${debugAddress}`,
        listen(buildDebugApp(debug, debugAddress), {
          ...{ port: debugPort, host: debugAddress, headerBytesMax: debugHeaderBytesMax },
        }),
      ),
    );
  };

  /** The webhook opens with its first certificate; resolves once that is served. */
  readonly serve = async (certificate: IssuedCertificate): Promise<void> => {
    const { flags, system } = this.#options;
    const { log } = system.runtime;
    const { webhookPort: port } = flags;
    if (this.#isDraining) return;
    if (this.#webhook !== undefined) {
      const taken = this.#webhook.setCertificate(certificate);
      if (!taken.ok) log.error({ problem: taken.error }, 'the new certificate cannot serve');
      return;
    }
    try {
      const listening = listenTls(this.#webhookApp(), { port, certificate });
      this.#webhook = await naming(`--webhook-port ${port}`, listening);
      log.info({ port }, 'the webhook listens');
    } catch (error) {
      this.#failed.resolve(error as Error);
      await new Promise(() => {});
    }
  };

  /** Not ready any more; reviews are accepted for a while yet, and those in flight finished. */
  readonly drain = async (): Promise<void> => {
    this.#isDraining = true;
    await this.#webhook?.drain();
  };

  readonly close = async (): Promise<void> => {
    await Promise.all(this.#plain.map((listener) => listener.close()));
  };

  #webhookApp() {
    const { configuration, system, router } = this.#options;
    const { log, metrics } = system.runtime;
    const { deadlineMs } = configuration.routing;
    return buildWebhookApp({ admit: router.admit, log, metrics }, { deadlineMs });
  }

  readonly #readiness = () => {
    const caches = Object.entries(this.#options.synced()).map(
      ([resource, done]) => [`cache of ${resource}`, done] as const,
    );
    const checks = Object.fromEntries([
      ...caches,
      ['certificate loaded', this.#webhook !== undefined],
      ['webhook listening', this.#webhook !== undefined],
      ['not stopping', !this.#isDraining],
    ]);
    return { ready: Object.values(checks).every(Boolean), checks };
  };
}

/** What cannot listen says which flag it is about. */
async function naming<T>(what: string, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot listen as ${what} says: ${reason}`, { cause: error });
  }
}
