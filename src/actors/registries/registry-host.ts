import { hash, randomBytes } from 'node:crypto';
import { type Limited, Limiter } from '#actors/limiter.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type Flight, type SharedAnswer, SingleFlight } from '#actors/single-flight.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import { type Credential, credentialContent } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { makesSuspect, type ProbeMethod, type ProbeOutcome } from '#core/probe.ts';
import type { ExceededQuota, Reachability, RegistryRef } from '#machines/registry.ts';

/** So long an answer is remembered (behaviour §3.5): Pods of one Deployment come together. */
const probeMemoryMs = 1_000;
/** Answers of one host remembered at once, about 500 bytes each. */
const answersMax = 1_000;
/** Repositories of one host whose last good credential is remembered. */
const goodCredentialsMax = 1_000;
/** Probes of one host that may wait for a place: at 4 places and 20 ms that is 5 s of work. */
const waitingMax = 1_000;
/** A registry that states an hour is asked again after a minute: quotas are lifted, too. */
export const quotaMemoryMsMax = 60_000;
/** The credential of one who has none. */
const anonymous = 'anonymous';
/** Fingerprints are shown with the actors: without this nobody can try passwords against one. */
const salt = randomBytes(32).toString('base64');

/**
 * The requests to one registry: so many at once, identical ones joined and their answers remembered
 * for a moment, credentials that must wait left out. Who must wait its actor says.
 */
export class RegistryHost implements Disposable {
  readonly #runtime: Runtime;
  readonly #options: RegistryHostOptions;
  readonly #limiter: Limiter;
  readonly #flights: SingleFlight<HostAnswer>;
  /** Repository and set of credentials → fingerprint of the one that was let in last. */
  readonly #good = new BoundedMap<string, string>(goodCredentialsMax);

  constructor(runtime: Runtime, options: RegistryHostOptions) {
    const { host, concurrency } = options;
    this.#runtime = runtime;
    this.#options = options;
    this.#limiter = new Limiter(runtime, { concurrency, waitingMax });
    this.#flights = new SingleFlight(runtime, {
      name: `probe:${host}`,
      memoryMs: () => probeMemoryMs,
      entriesMax: answersMax,
    });
  }

  /** Probes in flight, waiting ones included. */
  get busy(): number {
    return this.#flights.inFlight;
  }

  /** What the actor says; one that is broken knows nothing bad about its registry. */
  get reachability(): Reachability {
    return reachabilityOf(this.#options.actor());
  }

  /**
   * Joins an identical probe in flight or remembered, or sends one; undefined when `signal` aborts
   * first. What nobody waits for any more goes on to its own timeout: to cut it would cost the
   * kept-alive connection, and would hide a dead registry that is never first in order.
   */
  readonly probe = (
    probe: RegistryProbe,
    signal: AbortSignal,
  ): Promise<SharedAnswer<HostAnswer> | undefined> => {
    const prints = probe.credentials.map(fingerprint);
    const key = keyOf(probe, prints);
    const run = (flight: Flight) => this.#run(this.#plan(probe, prints), flight);
    return this.#flights.ask({ key, run, lingers: probe.timeoutMs > 0 }, signal);
  };

  /** What is remembered of the same probe. */
  readonly recall = (probe: Omit<RegistryProbe, 'timeoutMs'>): HostAnswer | undefined =>
    this.#flights.recall(keyOf(probe, probe.credentials.map(fingerprint)));

  [Symbol.dispose](): void {
    this.#flights.close();
    this.#limiter.dismiss();
  }

  async #run(plan: Plan, flight: Flight): Promise<HostAnswer | undefined> {
    const { probe, tries, quota } = plan;
    if (tries.length === 0 && quota !== undefined) return quota;
    const { timeoutMs } = probe;
    const wait = { signal: flight.signal, timeoutMs };
    const askedMs = this.#runtime.clock.now();
    const limited = await this.#limiter.run(() => this.#ask(plan, askedMs, flight), wait);
    return limited.kind === 'done' ? limited.value : notAsked(limited.kind, probe);
  }

  /** Its turn has come; it began to wait for it at `askedMs`. */
  async #ask(
    plan: Plan,
    askedMs: number,
    { signal, isWanted }: Flight,
  ): Promise<HostAnswer | undefined> {
    if (!isWanted() || signal.aborted) return undefined;
    const { timeoutMs } = plan.probe;
    // 0 would mean no limit at all.
    const leftMs = Math.max(1, timeoutMs - (this.#runtime.clock.now() - askedMs));
    const answer = await this.#send(plan, timeoutMs === 0 ? 0 : leftMs, signal);
    // Called off by us, it says nothing about the registry.
    if (!signal.aborted) this.#tellSuspect(answer.outcome, { timeoutMs, leftMs });
    return plan.quota !== undefined && goesOn(answer.outcome) ? plan.quota : answer;
  }

  /** Which credentials to try, the last good one first, up to one that has to wait. */
  #plan(probe: RegistryProbe, prints: readonly string[]): Plan {
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
    const told = { kind: 'Answered', outcome } as const;
    return { probe, setKey, tries: tries.slice(0, stop), quota: told };
  }

  /** Why this credential must not be used now; undefined when it may. */
  #quotaOf(print: string | undefined): ExceededQuota | undefined {
    const quota = this.#options.actor()?.getSnapshot().context.quotas[print ?? ''];
    return quota !== undefined && quota.untilMs > this.#runtime.clock.now() ? quota : undefined;
  }

  async #send(
    { probe, tries, setKey }: Plan,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<Answered> {
    const credentials = tries.flatMap(({ index }) => probe.credentials[index] ?? []);
    const outcome = await this.#options.probeImage({ ...probe, timeoutMs, credentials }, signal);
    const tried = tries[askerOf(outcome) ?? 0];
    const print = tried?.print ?? anonymous;
    if (outcome.kind === 'QuotaExceeded' && outcome.retryAtMs !== undefined) {
      this.#tellQuota(print, outcome.retryAtMs, outcome.message);
    }
    if (outcome.kind === 'Available' && probe.credentials.length > 1) {
      this.#good.set(setKey, print);
    }
    if (askerOf(outcome) === undefined || tried === undefined) return { kind: 'Answered', outcome };
    return { kind: 'Answered', outcome, credentialIndex: tried.index };
  }

  /** A 429 that says until when; `retryAtMs` is wall time, ms. */
  #tellQuota(credential: string, retryAtMs: number, message: string): void {
    const { clock, now } = this.#runtime;
    const delayMs = Math.min(retryAtMs - now(), quotaMemoryMsMax);
    if (delayMs <= 0) return;
    const until = { untilMs: clock.now() + delayMs, retryAtMs: now() + delayMs };
    this.#options.actor()?.send({ type: 'quota.exceeded', credential, message, ...until });
  }

  #tellSuspect(
    outcome: ProbeOutcome,
    { timeoutMs, leftMs }: { readonly timeoutMs: number; readonly leftMs: number },
  ): void {
    if (outcome.kind !== 'Unreachable' || !makesSuspect(outcome)) return;
    // One that spent its time waiting for a place had hardly any left to be answered in.
    if (outcome.cause === 'timeout' && leftMs * 2 < timeoutMs) return;
    this.#options.actor()?.send({ type: 'connection.failed', message: outcome.message });
    if (this.reachability !== 'Closed') this.#limiter.dismiss();
  }
}

/** One question about one image: is it there, for one who has these credentials? */
export interface RegistryProbe {
  readonly reference: ImageReference;
  readonly method: ProbeMethod;
  /** In the order to try; none means anonymous. */
  readonly credentials: readonly Credential[];
  readonly resolveDigest: boolean;
  /** For all of it, waiting for a place included; 0 is no limit. */
  readonly timeoutMs: number;
}

/** What a registry said about one image. */
export interface Answered {
  readonly kind: 'Answered';
  readonly outcome: ProbeOutcome;
  /** Position in the request's credentials of the one that the outcome names. */
  readonly credentialIndex?: number;
}

/** Down, suspected or overrun: no request was sent. */
export interface SetAside {
  readonly kind: 'SetAside';
  readonly message: string;
}

/** What came of a probe that was not called off. */
export type HostAnswer = Answered | SetAside;

/** What stands beside an actor and asks its registry. */
export interface RegistryHostOptions {
  readonly host: string;
  /** Requests at once. */
  readonly concurrency: number;
  /** Asks the registry itself: credentials in turn, retries, digest, inside `timeoutMs`. */
  readonly probeImage: (probe: RegistryProbe, signal: AbortSignal) => Promise<ProbeOutcome>;
  /** The registry's actor; none while it is broken. */
  readonly actor: () => RegistryRef | undefined;
}

/** What a registry's actor says; none knows nothing bad about its registry. */
export function reachabilityOf(actor: RegistryRef | undefined): Reachability {
  return actor?.getSnapshot().value.reachability ?? 'Closed';
}

interface Plan {
  readonly probe: RegistryProbe;
  /** Names the repository and the set of credentials. */
  readonly setKey: string;
  /** Positions in the probe's credentials, in the order to try. */
  readonly tries: readonly { readonly index: number; readonly print: string }[];
  /** The answer of the next credential, which has to wait: known without asking. */
  readonly quota?: Answered;
}

function keyOf(
  { method, resolveDigest, reference }: Omit<RegistryProbe, 'timeoutMs'>,
  prints: readonly string[],
): string {
  const { path, tag = 'latest', digest } = reference;
  // As it goes over the wire: where both are written, the digest is what is asked for.
  const asked = `${method} ${resolveDigest} ${path} ${digest ?? tag}`;
  return `${asked} ${prints.length === 0 ? anonymous : prints.join(' ')}`;
}

/** The position of whom the outcome is about, in the order of the trying. */
function askerOf(outcome: ProbeOutcome): number | undefined {
  return 'credentialIndex' in outcome ? outcome.credentialIndex : undefined;
}

/** Whether the trying would have gone on to the next credential (behaviour §4). */
function goesOn(outcome: ProbeOutcome): boolean {
  return outcome.kind === 'InvalidAuth' || outcome.kind === 'NotFound';
}

function notAsked(
  kind: Exclude<Limited<never>['kind'], 'done'>,
  { reference, timeoutMs }: RegistryProbe,
): HostAnswer {
  const { registry } = reference;
  if (kind === 'dismissed') {
    return { kind: 'SetAside', message: `${registry}: a connection failed a moment ago` };
  }
  if (kind === 'full') {
    return { kind: 'SetAside', message: `${registry}: more than ${waitingMax} requests wait` };
  }
  const message = `${registry}: expected a free connection within ${timeoutMs} ms, got none`;
  return { kind: 'Answered', outcome: { kind: 'Unreachable', cause: 'timeout', message } };
}

/** Tells credentials apart within this process; itself opens nothing. */
function fingerprint(credential: Credential): string {
  return hash('sha256', `${salt}${credentialContent(credential)}`, 'base64');
}
