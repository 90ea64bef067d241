import { hash, randomBytes } from 'node:crypto';
import type { Runtime } from '#actors/runtime.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import { type Credential, credentialContent } from '#core/credentials.ts';
import type { ProbeOutcome } from '#core/probe.ts';
import type { ExceededQuota, RegistryRef } from '#machines/registry.ts';
import type { RegistryProbe } from './registry-host.ts';

/** Repositories of one host whose last good credential is remembered. */
const goodCredentialsMax = 1_000;
/** A registry that states an hour is asked again after a minute: quotas are lifted, too. */
export const quotaMemoryMsMax = 60_000;
/** The credential of one who has none. */
const anonymous = 'anonymous';
/** Fingerprints are shown with the actors: without this nobody can try passwords against one. */
const salt = randomBytes(32).toString('base64');

/**
 * With which credentials one registry is asked, and in which order: the one that was let in last
 * first, none that has to wait. Who must wait the registry's actor says.
 */
export class CredentialOrder {
  readonly #runtime: Runtime;
  readonly #actor: () => RegistryRef | undefined;
  /** Repository and set of credentials → fingerprint of the one that was let in last. */
  readonly #good = new BoundedMap<string, string>(goodCredentialsMax);

  constructor(runtime: Runtime, actor: () => RegistryRef | undefined) {
    this.#runtime = runtime;
    this.#actor = actor;
  }

  /** Which credentials to try, the last good one first, up to one that has to wait. */
  readonly plan = (probe: RegistryProbe): Plan => {
    const prints = probe.credentials.map(fingerprint);
    const setKey = [probe.reference.path, ...prints.toSorted()].join(' ');
    const good = this.#good.get(setKey);
    // One who has no credential is one, too.
    const tries = (prints.length === 0 ? [anonymous] : prints)
      .map((print, index) => ({ index, print }))
      .sort((left, right) => Number(right.print === good) - Number(left.print === good));
    const stop = tries.findIndex(({ print }) => this.#quotaOf(print) !== undefined);
    const quota = this.#quotaOf(tries[stop]?.print);
    if (quota === undefined) return { probe, setKey, tries };
    const { message, retryAtMs } = quota;
    const outcome = { kind: 'QuotaExceeded', message, retryAtMs } as const;
    return { probe, setKey, tries: tries.slice(0, stop), quota: outcome };
  };

  /** Remembers what the outcome says of the credential it is about, and gives its position. */
  readonly learn = ({ probe, tries, setKey }: Plan, outcome: ProbeOutcome): number | undefined => {
    const asker = 'credentialIndex' in outcome ? outcome.credentialIndex : undefined;
    const tried = tries[asker ?? 0];
    const print = tried?.print ?? anonymous;
    if (outcome.kind === 'QuotaExceeded' && outcome.retryAtMs !== undefined) {
      this.#tellQuota(print, outcome.retryAtMs, outcome.message);
    }
    if (outcome.kind === 'Available' && probe.credentials.length > 1) {
      this.#good.set(setKey, print);
    }
    return asker === undefined ? undefined : tried?.index;
  };

  /** Why this credential must not be used now; undefined when it may. */
  #quotaOf(print: string | undefined): ExceededQuota | undefined {
    const quota = this.#actor()?.getSnapshot().context.quotas[print ?? ''];
    return quota !== undefined && quota.untilMs > this.#runtime.clock.now() ? quota : undefined;
  }

  /** A 429 that says until when; `retryAtMs` is wall time, ms. */
  #tellQuota(credential: string, retryAtMs: number, message: string): void {
    const { clock, now } = this.#runtime;
    const delayMs = Math.min(retryAtMs - now(), quotaMemoryMsMax);
    if (delayMs <= 0) return;
    const until = { untilMs: clock.now() + delayMs, retryAtMs: now() + delayMs };
    this.#actor()?.send({ type: 'quota.exceeded', credential, message, ...until });
  }

  /** The same, told by whoever used one of these credentials; none is the one who has none. */
  readonly exceeded = (
    credentials: readonly Credential[],
    { retryAtMs, message }: Pick<ExceededQuota, 'retryAtMs' | 'message'>,
  ): void => {
    for (const print of printsOf(credentials)) this.#tellQuota(print, retryAtMs, message);
  };

  /** Why none of these may be used now; undefined where one may. */
  readonly quotaOf = (credentials: readonly Credential[]): ExceededQuota | undefined => {
    const quotas = printsOf(credentials).map((print) => this.#quotaOf(print));
    return quotas.every((quota) => quota !== undefined) ? quotas[0] : undefined;
  };
}

/** What one probe is sent with. */
export interface Plan {
  readonly probe: RegistryProbe;
  /** Names the repository and the set of credentials. */
  readonly setKey: string;
  /** Positions in the probe's credentials, in the order to try. */
  readonly tries: readonly { readonly index: number; readonly print: string }[];
  /** The answer of the next credential, which has to wait: known without asking. */
  readonly quota?: ProbeOutcome;
}

/** The same for probes that get the same answer. */
export function keyOf(probe: Omit<RegistryProbe, 'timeoutMs'>): string {
  const { method, resolveDigest, reference } = probe;
  const prints = probe.credentials.map(fingerprint);
  const { path, tag = 'latest', digest } = reference;
  // As it goes over the wire: where both are written, the digest is what is asked for.
  const asked = `${method} ${resolveDigest} ${path} ${digest ?? tag}`;
  return `${asked} ${prints.length === 0 ? anonymous : prints.join(' ')}`;
}

/** Whether the trying would have gone on to the next credential (behaviour §4). */
export function goesOn(outcome: ProbeOutcome): boolean {
  return outcome.kind === 'InvalidAuth' || outcome.kind === 'NotFound';
}

/** What tells those who ask apart within this process; one who has no credential is one, too. */
export function printsOf(credentials: readonly Credential[]): readonly string[] {
  return credentials.length === 0 ? [anonymous] : credentials.map(fingerprint);
}

/** Tells credentials apart within this process; itself opens nothing. */
function fingerprint(credential: Credential): string {
  return hash('sha256', `${salt}${credentialContent(credential)}`, 'base64');
}
