import { fromPromise } from 'xstate';
import { reconcileLogic } from '#actors/reconcile.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { KuikSystem } from '#actors/system.ts';
import { Listeners } from '#core/listeners.ts';
import {
  type CertificateChange,
  type CertificateFacts,
  type CertificateOutcome,
  certificateMachine,
} from '#machines/certificate.ts';
import { type CertificateMaterial, describeMaterial, readKeyPair } from './certificate-material.ts';
import type { CertificateSource, SourceOutcome } from './certificate-source.ts';
import type { IssuedCertificate } from './issue-certificate.ts';
import {
  keepWebhookConfiguration,
  type WebhookConfigurationOptions,
} from './webhook-configuration.ts';

/** How the certificate is kept. */
export interface CertificateOptions {
  readonly from: 'directory' | 'own';
  readonly source: CertificateSource;
  readonly webhook: WebhookConfigurationOptions;
  /** Called with each new certificate; resolves once connections are served with it. */
  readonly serve: (certificate: IssuedCertificate) => Promise<void>;
  /** Called when API servers trust what is served, or somebody else sees to that. */
  readonly trusted: () => void;
  /** How often source and configuration are looked at; `pollMs` unless told. */
  readonly pollMs?: number;
}

/** An edited `caBundle` is mended within seconds; two small GETs each time are no load. */
export const pollMs = 5_000;

/** An attempt is a handful of calls, of which each has a minute. */
const quietMsMax = 300_000;

/**
 * Adds the serving certificate, and what makes API servers trust it: the webhook configuration,
 * which is written only once something is served.
 */
export function addCertificate(system: KuikSystem, options: CertificateOptions): void {
  const keeper = new CertificateKeeper(system.runtime, options);
  const { from, pollMs: everyMs = pollMs } = options;
  const logic = certificateMachine.provide({
    actors: {
      loadCertificate: fromPromise<CertificateOutcome, undefined>(({ signal }) =>
        keeper.take(options.source.load(signal)),
      ),
      issueCertificate: fromPromise<CertificateOutcome, undefined>(({ signal }) =>
        keeper.take(options.source.renew(undefined, signal)),
      ),
      findChange: fromPromise<CertificateChange, undefined>(async ({ signal }) => {
        const change = await options.source.findChange(keeper.serving, signal);
        return change ?? null;
      }),
      renewCertificate: fromPromise<CertificateOutcome, undefined>(({ signal }) =>
        keeper.take(options.source.renew(keeper.serving, signal)),
      ),
    },
  });
  const { id } = certificateMachine;
  const input = { source: from, pollMs: everyMs };
  system.always({ id, logic, input, quietLimit: { quietMsMax, restsIn: ['Serving'] } });
  system.always({
    id: 'reconcile:webhook-configuration',
    quietLimit: { quietMsMax, restsIn: ['Idle'] },
    logic: reconcileLogic(system.runtime, {
      work: (_, signal) => keeper.keepTrust(signal),
      watch: keeper.watch,
      settleMs: 0,
    }),
  });
}

/** What the effects remember of the certificate; its key stays here. */
class CertificateKeeper {
  readonly #options: CertificateOptions;
  readonly #log: Runtime['log'];
  readonly #metrics: Runtime['metrics'];
  readonly #changed = new Listeners();
  readonly watch = this.#changed.subscribe;
  #serving: CertificateMaterial | undefined;
  /** What was said last of what is not served: said again only when it changed. */
  #toldTrouble = '';
  /** The same of the configuration. */
  #toldTrust = '';

  constructor({ log, metrics }: Runtime, options: CertificateOptions) {
    this.#metrics = metrics;
    this.#options = options;
    this.#log = log.child({ actor: certificateMachine.id });
  }

  /** What is served; asked for only by states that come after the first certificate. */
  get serving(): CertificateMaterial {
    if (this.#serving === undefined) throw new Error('Nothing serves yet.');
    return this.#serving;
  }

  async take(attempt: Promise<SourceOutcome>): Promise<CertificateOutcome> {
    const found = await attempt;
    if (found.kind === 'loaded') {
      this.#toldTrouble = '';
      return { kind: 'loaded', certificate: await this.#serve(found.material) };
    }
    if (found.kind === 'kept' || found.kind === 'raced') return found;
    const { kind, message: reason } = found;
    if (reason === this.#toldTrouble) return found;
    this.#toldTrouble = reason;
    // Nothing there yet is how every first start begins.
    if (kind === 'missing') this.#log.info({ outcome: kind, reason }, 'no serving certificate yet');
    else this.#log.warn({ outcome: kind, reason }, 'serving certificate not replaced');
    return found;
  }

  async #serve(material: CertificateMaterial): Promise<CertificateFacts> {
    const { cert, key } = material;
    const pair = readKeyPair(cert, key);
    if (!pair.ok) throw new Error(`A source said loaded, but: ${pair.error}`);
    const facts = describeMaterial(material, pair.value.certificate);
    // What is trusted may change while what is served stays; the listener need not know.
    if (this.#serving?.cert !== cert || this.#serving.key !== key) {
      await this.#options.serve({ cert, key });
      const { notAfter, names } = facts;
      this.#log.info({ notAfter, names }, 'serving certificate loaded');
    }
    this.#serving = material;
    this.#metrics.certificateExpiry(Date.parse(facts.notAfter) / 1_000);
    this.#changed.tell();
    return facts;
  }

  /** What is trusted must be right as long as anything serves. */
  async keepTrust(signal: AbortSignal) {
    const { source, webhook, trusted, pollMs: dueInMs = pollMs } = this.#options;
    if (this.#serving === undefined) return { kind: 'done' } as const;
    const bundle = await source.readBundle(signal);
    if (bundle === undefined) return { kind: 'done', dueInMs } as const;
    // Without a bundle somebody else (cert-manager's injector) says what is trusted; with a URL
    // there is a configuration to make all the same.
    if (bundle === '' && webhook.url === undefined) {
      trusted();
      return { kind: 'done', dueInMs } as const;
    }
    const kept = await keepWebhookConfiguration(webhook, bundle, signal);
    this.#tellTrust(kept.ok ? kept.value : kept.error.message, kept.ok);
    if (kept.ok) {
      trusted();
      return { kind: 'done', dueInMs } as const;
    }
    return { kind: 'failed', message: kept.error.message, retryInMs: dueInMs } as const;
  }

  #tellTrust(news: string, ok: boolean): void {
    const configuration = this.#options.webhook.name;
    if (ok && (news === 'mended' || news === 'made')) {
      this.#log.info({ configuration, outcome: news }, 'webhook configuration written');
    } else if (news !== this.#toldTrust && news !== 'kept') {
      this.#log.warn({ configuration, reason: news }, 'webhook configuration not as it should be');
    }
    this.#toldTrust = news;
  }
}
