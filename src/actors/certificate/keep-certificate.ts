import { fromPromise } from 'xstate';
import { pause } from '#actors/deadline.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import type { ApiFailure } from '#kube/client.ts';
import {
  type CertificateFacts,
  type CertificateOutcome,
  certificateMachine,
  type WatchInput,
} from '#machines/certificate.ts';
import type { Log } from '#telemetry/log.ts';
import { type CertificateMaterial, describeMaterial, readKeyPair } from './certificate-material.ts';
import type { CertificateSource, SourceOutcome } from './certificate-source.ts';
import {
  keepWebhookConfiguration,
  type WebhookConfigurationOptions,
  type WebhookConfigurationOutcome,
} from './webhook-configuration.ts';

/** What a TLS listener needs; the only place where the key leaves this room. */
export interface ServingCertificate {
  readonly cert: string;
  readonly key: string;
}

/** How the certificate is kept. */
export interface KeepCertificateOptions {
  readonly source: CertificateSource;
  readonly webhook: WebhookConfigurationOptions;
  readonly clock: TimerHeap;
  readonly log: Log;
  /** Called at once with each new certificate; the listener takes it for new connections. */
  readonly onCertificate: (certificate: ServingCertificate) => void;
  /** How often source and configuration are looked at; `pollMs` unless told. */
  readonly pollMs?: number;
}

/** An edited `caBundle` is mended within seconds; two small GETs each time are no load. */
export const pollMs = 5_000;
/** After failures the looks become rarer, up to this. */
const pollMsMax = 60_000;

/** The certificate machine with its effects on a real source. */
export function certificateLogic(options: KeepCertificateOptions) {
  const keeper = new Keeper(options);
  const { source } = options;
  return certificateMachine.provide({
    actors: {
      loadCertificate: fromPromise<CertificateOutcome, undefined>(({ signal }) =>
        keeper.take(source.load(signal)),
      ),
      issueCertificate: fromPromise<CertificateOutcome, undefined>(({ signal }) =>
        keeper.take(source.issue(signal)),
      ),
      renewCertificate: fromPromise<CertificateOutcome, undefined>(({ signal }) =>
        keeper.renew(signal),
      ),
      watchCertificate: fromPromise<undefined, WatchInput>(({ input, signal }) =>
        keeper.watch(input, signal),
      ),
      keepTrust: fromPromise<undefined, undefined>(({ signal }) => keeper.keepTrust(signal)),
    },
  });
}

class Keeper {
  readonly #options: KeepCertificateOptions;
  readonly #pollMs: number;
  #serving: CertificateMaterial | undefined;
  /** What was said last about the configuration: said again only when it changed. */
  #trustNews = '';

  constructor(options: KeepCertificateOptions) {
    this.#options = options;
    this.#pollMs = options.pollMs ?? pollMs;
  }

  async take(attempt: Promise<SourceOutcome>): Promise<CertificateOutcome> {
    const found = await attempt;
    if (found.kind !== 'loaded') {
      this.#report(found);
      return found;
    }
    const { material } = found;
    const certificate = this.#serve(material);
    return { kind: 'loaded', certificate };
  }

  #serve(material: CertificateMaterial): CertificateFacts {
    const { log, onCertificate } = this.#options;
    const pair = readKeyPair(material.cert, material.key);
    if (!pair.ok) throw new Error(`A source said loaded, but: ${pair.error}`);
    const facts = describeMaterial(material, pair.value.certificate);
    const before = this.#serving;
    this.#serving = material;
    // What is trusted may change while what is served stays; the listener need not know.
    if (before?.cert !== material.cert || before.key !== material.key) {
      onCertificate({ cert: material.cert, key: material.key });
      log.info({ notAfter: facts.notAfter, names: facts.names }, 'serving certificate loaded');
    }
    return facts;
  }

  #report(outcome: Exclude<SourceOutcome, { kind: 'loaded' }>): void {
    if (outcome.kind === 'kept' || outcome.kind === 'raced') return;
    const { log } = this.#options;
    const { kind, message } = outcome;
    const fields = { outcome: kind, reason: message };
    // Nothing there yet is how every first start begins.
    if (kind === 'missing') log.info(fields, 'no serving certificate yet');
    else log.warn(fields, 'serving certificate not replaced');
  }

  renew(signal: AbortSignal): Promise<CertificateOutcome> {
    const serving = this.#serving;
    if (serving === undefined) throw new Error('Renewing was asked for before anything served.');
    return this.take(this.#options.source.renew(serving, signal));
  }

  /** Resolves when the source holds something else, or something is due. */
  async watch(input: WatchInput, signal: AbortSignal): Promise<undefined> {
    const { source, clock } = this.#options;
    const serving = this.#serving;
    if (serving === undefined) throw new Error('A watch was asked for before anything served.');
    const everyMs = Math.min(this.#pollMs * 2 ** input.failures, pollMsMax);
    while (await pause(clock, Math.max(everyMs, this.#pollMs), signal)) {
      const change = await source.findChange(serving, signal);
      if (change !== undefined && change !== input.refused) return;
    }
  }

  /** Never resolves on its own: what is trusted must be right as long as anything serves. */
  async keepTrust(signal: AbortSignal): Promise<undefined> {
    const { source, webhook, clock } = this.#options;
    do {
      const bundle = await source.readBundle(signal);
      // Without a bundle somebody else (cert-manager's injector) says what is trusted; with a URL
      // there is a configuration to make all the same.
      if (bundle === undefined || (bundle === '' && webhook.url === undefined)) continue;
      const kept = await keepWebhookConfiguration(webhook, bundle, signal);
      this.#tellTrust(kept.ok ? kept.value : kept.error);
    } while (await pause(clock, this.#pollMs, signal));
  }

  #tellTrust(news: WebhookConfigurationOutcome | ApiFailure): void {
    const { log, webhook } = this.#options;
    const configuration = webhook.name;
    const text = typeof news === 'string' ? news : news.message;
    if (news === 'mended' || news === 'made') {
      log.info({ configuration, outcome: news }, 'webhook configuration written');
    } else if (text !== this.#trustNews && news !== 'kept') {
      log.warn({ configuration, reason: text }, 'webhook configuration not as it should be');
    }
    this.#trustNews = text;
  }
}
