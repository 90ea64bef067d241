import { type Result, succeed } from '#core/result.ts';
import type { ApiFailure, KubeClient } from '#kube/client.ts';
import { type CertificateMaterial, fingerprintOf } from './certificate-material.ts';
import type { CertificateSource, SourceOutcome } from './certificate-source.ts';
import {
  type Lifetimes,
  type OwnCertificate,
  type OwnPlan,
  planOwnCertificate,
  takeOwnStep,
} from './own-certificate.ts';

/** Where our own certificate is kept, and for which names it is made. */
export interface CertificateSecretOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly secretName: string;
  readonly names: readonly string[];
  readonly lifetimes: Lifetimes;
  /** Wall time in ms: certificates are valid by it. */
  readonly now: () => number;
}

interface SecretObject {
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

interface Stored {
  readonly object: SecretObject;
  readonly own: OwnCertificate;
}

/** The Secret in the operator's namespace that keeps its certificate. */
export const certificateSecretName = 'kuik-webhook';

/**
 * Our own certificate in a Secret that all replicas share. Each of them may do what is due; the one
 * that loses the race (a conflict) loads what the winner wrote.
 */
export class CertificateSecret implements CertificateSource {
  readonly #options: CertificateSecretOptions;
  /** What was last in force: a Secret that is deleted or spoiled is put back as it was. */
  #last: OwnCertificate | undefined;

  constructor(options: CertificateSecretOptions) {
    this.#options = options;
  }

  async load(signal: AbortSignal): Promise<SourceOutcome> {
    const read = await this.#read(signal);
    if (!read.ok) return { kind: 'failed', message: read.error.message };
    if (read.value === undefined) {
      return { kind: 'missing', message: `expected a Secret ${this.#name()}, got none` };
    }
    const { own } = read.value;
    const { fault } = this.#plan(own);
    if (fault === undefined) return this.#take(own);
    const message = `Secret ${this.#name()}: ${fault}`;
    return { kind: 'refused', message, fingerprint: fingerprintOf(own) };
  }

  /** One step from what is there towards what should be. */
  async renew(
    serving: CertificateMaterial | undefined,
    signal: AbortSignal,
  ): Promise<SourceOutcome> {
    const read = await this.#read(signal);
    if (!read.ok) return { kind: 'failed', message: read.error.message };
    const stored = read.value;
    const plan = stored === undefined ? undefined : this.#plan(stored.own);
    if (stored !== undefined && plan?.step === 'keep') {
      const same = serving !== undefined && fingerprintOf(stored.own) === fingerprintOf(serving);
      return same ? { kind: 'kept' } : this.#take(stored.own);
    }
    const next = await this.#makeNext(stored?.own, plan);
    const written = await this.#write(stored?.object, next, signal);
    if (written.ok) return this.#take(next);
    const { error } = written;
    if (error.kind === 'status' && error.code === 409) return { kind: 'raced' };
    return { kind: 'failed', message: error.message };
  }

  async findChange(serving: CertificateMaterial, signal: AbortSignal): Promise<string | undefined> {
    const read = await this.#read(signal);
    if (!read.ok) return undefined;
    if (read.value === undefined) return 'missing';
    const { own } = read.value;
    const due = this.#plan(own).step !== 'keep';
    return due || fingerprintOf(own) !== fingerprintOf(serving) ? fingerprintOf(own) : undefined;
  }

  async readBundle(signal: AbortSignal): Promise<string | undefined> {
    const read = await this.#read(signal);
    if (!read.ok || read.value === undefined) return undefined;
    const { own } = read.value;
    // A spoiled Secret is about to be replaced; until then what was trusted stays trusted.
    return this.#plan(own).fault === undefined ? own.bundle : undefined;
  }

  #plan(own: OwnCertificate): OwnPlan {
    return planOwnCertificate(own, this.#judgedBy());
  }

  #judgedBy() {
    return { ...this.#options, nowMs: this.#options.now() };
  }

  /** Puts back what was in force when the Secret was lost or spoiled; else takes the step. */
  #makeNext(own: OwnCertificate | undefined, plan: OwnPlan | undefined): Promise<OwnCertificate> {
    const last = this.#last;
    const lost = plan === undefined || plan.fault !== undefined;
    if (lost && last !== undefined && this.#plan(last).step === 'keep') {
      return Promise.resolve(last);
    }
    const step = plan === undefined || plan.step === 'keep' ? 'replace' : plan.step;
    return takeOwnStep(own, step, this.#judgedBy());
  }

  #take(own: OwnCertificate): SourceOutcome {
    this.#last = own;
    const { cert, key, bundle } = own;
    return { kind: 'loaded', material: { cert, key, bundle } };
  }

  async #read(signal: AbortSignal): Promise<Result<Stored | undefined, ApiFailure>> {
    const path = `${this.#collection()}/${this.#options.secretName}`;
    const answer = await this.#options.client.call<SecretObject>({ method: 'GET', path }, signal);
    if (answer.ok) return succeed({ object: answer.value, own: readOwn(answer.value) });
    const { error } = answer;
    return error.kind === 'status' && error.code === 404 ? succeed(undefined) : answer;
  }

  #write(
    before: SecretObject | undefined,
    own: OwnCertificate,
    signal: AbortSignal,
  ): Promise<Result<SecretObject, ApiFailure>> {
    const { client, namespace, secretName } = this.#options;
    const kind = { apiVersion: 'v1', kind: 'Secret' };
    const stringData = {
      ...{ 'tls.crt': own.cert, 'tls.key': own.key },
      ...{ 'ca.crt': own.bundle, 'ca.key': own.authorityKey },
    };
    if (before === undefined) {
      const labels = { 'app.kubernetes.io/managed-by': 'kuik' };
      const metadata = { name: secretName, namespace, labels };
      const body = { ...kind, metadata, type: 'kubernetes.io/tls', stringData };
      return client.call({ method: 'POST', path: this.#collection(), body }, signal);
    }
    const body = { ...kind, ...before, stringData };
    return client.call(
      { method: 'PUT', path: `${this.#collection()}/${secretName}`, body },
      signal,
    );
  }

  #collection(): string {
    return `/api/v1/namespaces/${this.#options.namespace}/secrets`;
  }

  #name(): string {
    return `${this.#options.namespace}/${this.#options.secretName}`;
  }
}

function readOwn({ data }: SecretObject): OwnCertificate {
  const text = (key: string) => Buffer.from(data?.[key] ?? '', 'base64').toString('utf8');
  return {
    cert: text('tls.crt'),
    key: text('tls.key'),
    bundle: text('ca.crt'),
    authorityKey: text('ca.key'),
  };
}
