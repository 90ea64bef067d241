import { readFile } from 'node:fs/promises';
import { createActorView } from '#actors/actor-view.ts';
import type { IssuedCertificate } from '#actors/certificate/issue-certificate.ts';
import { createInspection } from '#actors/inspection/inspection.ts';
import { createMachineViews } from '#actors/machine-view.ts';
import type { MirrorReporting } from '#actors/reporting/mirror-reporting.ts';
import type { Reporting } from '#actors/reporting/reporting.ts';
import type { Rehearsal } from '#actors/routing/rehearsal.ts';
import type { KuikSystem } from '#actors/system.ts';
import { findStuck } from '#actors/watchdog.ts';
import type { OperatorConfiguration } from '#config/operator-configuration.ts';
import type { AccessPort } from '#core/access.ts';
import type { InsightPort } from '#core/insight/insight.ts';
import type { NamespaceExists, RoutingQuery } from '#core/routing/admission.ts';
import { buildDebugApp } from '#http/debug.ts';
import { buildHealthApp } from '#http/health.ts';
import { type Listener, type ListenOptions, listen } from '#http/listen.ts';
import { buildMetricsApp } from '#http/metrics.ts';
import { assertAuthority, listenTls, type TlsListener } from '#http/tls.ts';
import { buildWebhookApp } from '#http/webhook.ts';
import { allMachines } from '#machines/all-machines.ts';
import type { OperatorFlags } from './command/flags.ts';

/** What is served, and where. */
export interface ServersOptions {
  readonly system: KuikSystem;
  readonly flags: OperatorFlags;
  readonly configuration: OperatorConfiguration;
  readonly router: RoutingQuery;
  /** What Pods that live would get. */
  readonly rehearsal: Pick<Rehearsal, 'whatIf' | 'plan'>;
  /** The name of this process: what it knows of registries is its own. */
  readonly replica: string;
  readonly reporting: Pick<Reporting, 'images' | 'workloads'>;
  /** What the page shows. */
  readonly insight: InsightPort;
  /** What mirroring tells of itself. */
  readonly mirroring?: Pick<MirrorReporting, 'report' | 'cleanup' | 'running'>;
  /** Whether each cache has been read whole, by resource. */
  readonly synced: () => Readonly<Record<string, boolean>>;
  readonly isTableBuilt: () => boolean;
  readonly namespaceExists: NamespaceExists;
  /** Who may look at the debug endpoint where it is reached from outside. */
  readonly access: AccessPort;
}

/** A question about a Pod carries its annotations in the URL: 256 KiB, escaped. */
const debugHeaderBytesMax = 1_048_576;
/** So large are headers that few may come at once. */
const debugConnectionsMax = 64;

/** All that listens (behaviour §8); nothing does before `listen`. */
export class Servers {
  readonly #options: ServersOptions;
  readonly #plain: Listener[] = [];
  readonly #failed = Promise.withResolvers<Error>();
  #webhook: TlsListener | undefined;
  #clientAuthority: string | undefined;
  #isTrusted = false;
  #isDraining = false;

  constructor(options: ServersOptions) {
    this.#options = options;
  }

  /** Resolves when the webhook cannot listen: a start that fails ends the process. */
  get failed(): Promise<Error> {
    return this.#failed.promise;
  }

  /** Opens metrics, health and debug; rejects with the flag that names what cannot be. */
  readonly listen = async (): Promise<void> => {
    const { system, flags, router, rehearsal, reporting, replica, namespaceExists } = this.#options;
    this.#clientAuthority = await readClientAuthority(flags.webhookClientCa);
    const { log, metrics, now } = system.runtime;
    const mirroring = this.#options.mirroring && { ...this.#options.mirroring, now };
    const { debugAddress, debugPort, healthPort, metricsPort } = flags;
    const debug = {
      actors: createActorView(system),
      machines: createMachineViews(allMachines),
      inspection: createInspection(system),
      explain: router.explain,
      ...{ whatIf: rehearsal.whatIf, plan: rehearsal.plan, replica },
      insight: this.#options.insight,
      ...(mirroring !== undefined && { copies: mirroring }),
      namespaceExists,
      access: this.#options.access,
      log,
    };
    const health = buildHealthApp({ readiness: this.#readiness, stuck: this.#stuck, log });
    const shown = buildMetricsApp(
      {
        ...{ metrics: metrics.text, status: { ...reporting, namespaceExists }, log },
        ...(mirroring !== undefined && { mirroring }),
      },
      { hosts: flags.debugHost },
    );
    const seen = buildDebugApp(debug, {
      ...{ address: debugAddress, hosts: flags.debugHost, statelyUrl: flags.debugStatelyUrl },
    });
    const open = async (app: typeof seen, options: ListenOptions) =>
      this.#plain.push(await listen(app, options));
    await open(health, { port: healthPort, flags: { port: '--health-port' } });
    await open(shown, { port: metricsPort, flags: { port: '--metrics-port' } });
    await open(seen, {
      ...{ port: debugPort, host: debugAddress },
      ...{ headerBytesMax: debugHeaderBytesMax, connectionsMax: debugConnectionsMax },
      flags: { port: '--debug-port', host: '--debug-address' },
    });
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
      this.#webhook = await listenTls(this.#webhookApp(), {
        ...{ port, certificate, flags: { port: '--webhook-port' } },
        ...(this.#clientAuthority !== undefined && { clientAuthority: this.#clientAuthority }),
      });
      log.info({ port }, 'the webhook listens');
    } catch (error) {
      this.#failed.resolve(error as Error);
      await new Promise(() => {});
    }
  };

  /** API servers find the webhook and trust it, as far as that is for the operator to see to. */
  readonly trusted = (): void => {
    this.#isTrusted = true;
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

  /** One that stops takes down what it cannot live without, and has its own time for that. */
  readonly #stuck = () => (this.#isDraining ? [] : findStuck(this.#options.system));

  readonly #readiness = () => {
    const caches = Object.entries(this.#options.synced()).map(
      ([resource, done]) => [`cache of ${resource}`, done] as const,
    );
    const checks = Object.fromEntries([
      ...caches,
      ['routing table built', this.#options.isTableBuilt()],
      ['certificate loaded', this.#webhook !== undefined],
      ['webhook listening', this.#webhook !== undefined],
      ['webhook configuration written', this.#isTrusted],
      ['not stopping', !this.#isDraining],
    ]);
    return { ready: Object.values(checks).every(Boolean), checks };
  };
}

/** Read before anything listens: who is let in is known then, or nobody is served. */
async function readClientAuthority(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  const pem = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new Error(`--webhook-client-ca: expected a readable file: ${cause.message}`, { cause });
  });
  assertAuthority(pem);
  return pem;
}
