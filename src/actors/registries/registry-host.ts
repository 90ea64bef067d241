import { type Limited, Limiter } from '#actors/limiter.ts';
import type { Runtime } from '#actors/runtime.ts';
import { type Flight, type SharedAnswer, SingleFlight } from '#actors/single-flight.ts';
import type { Credential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { makesSuspect, type ProbeMethod, type ProbeOutcome } from '#core/probe.ts';
import type { ExceededQuota, Reachability, RegistryRef } from '#machines/registry.ts';
import { CredentialOrder, goesOn, keyOf, type Plan } from './credential-order.ts';
import type { RegistryNews } from './registry-news.ts';

/** So long an answer is remembered (behaviour §3.5): Pods of one Deployment come together. */
const probeMemoryMs = 1_000;
/** Answers of one host remembered at once, about 500 bytes each. */
const answersMax = 1_000;
/** Probes of one host that may wait, beside those in flight; further ones are refused at once. */
const waitingMax = 1_000;
/** Without any answer for so long a probe that has all the time makes a suspect (behaviour §10). */
export const silenceMs = 10_000;

/**
 * The requests to one registry: so many at once, identical ones joined and their answers remembered
 * for a moment, credentials that must wait left out. Who must wait its actor says.
 */
export class RegistryHost implements Disposable {
  readonly #runtime: Runtime;
  readonly #options: RegistryHostOptions;
  readonly #limiter: Limiter;
  readonly #flights: SingleFlight<HostAnswer>;
  readonly #order: CredentialOrder;
  /** Aborts when the circuit opens next. */
  #opening = new AbortController();
  #watched: RegistryRef | undefined;
  #unwatch = (): void => {};

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
    this.#order = new CredentialOrder(runtime, options.actor);
  }

  /** Probes in flight, waiting ones included. */
  get busy(): number {
    return this.#flights.inFlight;
  }

  /** Shows the health of its actor; one that was restarted is another one. */
  readonly watch = (): void => {
    const actor = this.#options.actor();
    const { metrics } = this.#runtime;
    const { host } = this.#options;
    if (actor === this.#watched) {
      // What is used keeps its place among the labels.
      metrics.registryHealth(host, reachabilityOf(actor));
      return;
    }
    this.#unwatch();
    this.#watched = actor;
    let shown: Reachability | undefined;
    const show = (reachability: Reachability | undefined): void => {
      // Nearly all that an actor tells of is its pace.
      if (reachability === shown) return;
      shown = reachability;
      metrics.registryHealth(host, shown);
      this.#options.moved(shown);
      if (shown === 'Open') this.#open();
    };
    show(reachabilityOf(actor));
    const subscription = actor?.subscribe({
      next: ({ value }) => show(value.reachability),
      error: () => show(undefined),
    });
    this.#unwatch = () => subscription?.unsubscribe();
  };

  /** What came of asking it by another way, as transfers do; one that is called off says nothing. */
  readonly tell = (news: RegistryNews): void => {
    if (news.kind === 'throttled') this.#order.exceeded(news.credentials, news);
    if (news.kind === 'failed') this.#suspect(news.message);
    else if (this.reachability !== 'Closed')
      this.#options.actor()?.send({ type: 'request.answered' });
  };

  /** Why none of these credentials may be used now. */
  readonly quotaOf = (credentials: readonly Credential[]): ExceededQuota | undefined =>
    this.#order.quotaOf(credentials);

  #open(): void {
    this.#opening.abort();
    this.#opening = new AbortController();
  }

  /** What the actor says; one that is broken knows nothing bad about its registry. */
  get reachability(): Reachability {
    return reachabilityOf(this.#options.actor());
  }

  /**
   * Asks unless the registry is set aside. An open circuit answers checks, be they in flight, and a
   * suspect answers them as ever; undefined when `signal` aborts first.
   */
  readonly probe = async (
    probe: RegistryProbe,
    signal: AbortSignal,
    { insist = false, isCheck = false }: AskOptions,
  ): Promise<SharedAnswer<HostAnswer> | undefined> => {
    const { reachability } = this;
    const isAsked = reachability === 'Closed' || (isCheck && reachability === 'Suspect');
    if (!insist && !isAsked) return this.#setAside();
    if (!isCheck) return await this.#join(probe, signal, insist);
    const opening = this.#opening.signal;
    const shared = await this.#join(probe, AbortSignal.any([signal, opening]), true);
    return shared === undefined && opening.aborted ? this.#setAside() : shared;
  };

  /** What is remembered of the same probe. */
  readonly recall = (probe: Omit<RegistryProbe, 'timeoutMs'>): HostAnswer | undefined =>
    this.#flights.recall(keyOf(probe));

  [Symbol.dispose](): void {
    this.#unwatch();
    this.#runtime.metrics.registryHealth(this.#options.host, undefined);
    this.#flights.close();
    this.#limiter.dismiss();
  }

  #setAside(): SharedAnswer<SetAside> {
    const { trouble } = this.#options.actor()?.getSnapshot().context ?? {};
    const message = trouble ?? 'a connection failed';
    return { value: { kind: 'SetAside', message }, remembered: false };
  }

  /**
   * Joins an identical probe in flight or remembered, or sends one. What nobody waits for any more
   * goes on to its own timeout: to cut it would cost the kept-alive connection, and would hide a dead
   * registry that is never first in order.
   */
  #join(
    probe: RegistryProbe,
    signal: AbortSignal,
    stays: boolean,
  ): Promise<SharedAnswer<HostAnswer> | undefined> {
    const key = keyOf(probe);
    const run = (flight: Flight) => this.#run(this.#order.plan(probe), flight, stays);
    return this.#flights.ask({ key, run, lingers: probe.timeoutMs > 0 }, signal);
  }

  async #run(plan: Plan, flight: Flight, stays: boolean): Promise<HostAnswer | undefined> {
    const { probe, tries, quota } = plan;
    if (tries.length === 0 && quota !== undefined) return { kind: 'Answered', outcome: quota };
    const { timeoutMs, share = '' } = probe;
    const wait = { signal: flight.signal, timeoutMs, share, stays };
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
    if (!signal.aborted) this.#tellReachability(answer.outcome, { timeoutMs, leftMs });
    return plan.quota !== undefined && goesOn(answer.outcome)
      ? { kind: 'Answered', outcome: plan.quota }
      : answer;
  }

  async #send(plan: Plan, timeoutMs: number, signal: AbortSignal): Promise<Answered> {
    const { probe, tries } = plan;
    const credentials = tries.flatMap(({ index }) => probe.credentials[index] ?? []);
    const outcome = await this.#listen(probe, timeoutMs, (heard) =>
      this.#options.probeImage({ ...probe, timeoutMs, credentials }, signal, heard),
    );
    const credentialIndex = this.#order.learn(plan, outcome);
    const told = { kind: 'Answered', outcome } as const;
    return credentialIndex === undefined ? told : { ...told, credentialIndex };
  }

  /** One that has all the time must say something in between. */
  async #listen<T>(
    { reference }: RegistryProbe,
    timeoutMs: number,
    ask: (heard: () => void) => Promise<T>,
  ): Promise<T> {
    if (timeoutMs > 0) return await ask(() => {});
    const message = `${reference.registry}: expected an answer within ${silenceMs} ms, got none`;
    const cancel = this.#runtime.clock.after(silenceMs, () => this.#suspect(message));
    try {
      return await ask(cancel);
    } finally {
      cancel();
    }
  }

  #tellReachability(
    outcome: ProbeOutcome,
    { timeoutMs, leftMs }: { readonly timeoutMs: number; readonly leftMs: number },
  ): void {
    if (outcome.kind !== 'Unreachable' || outcome.cause === 'answer') {
      if (this.reachability === 'Closed') return;
      this.#options.actor()?.send({ type: 'request.answered' });
      return;
    }
    if (!makesSuspect(outcome)) return;
    // One that spent its time waiting for a place had hardly any left to be answered in.
    if (outcome.cause === 'timeout' && leftMs * 2 < timeoutMs) return;
    this.#suspect(outcome.message);
  }

  #suspect(message: string): void {
    this.#options.actor()?.send({ type: 'connection.failed', message });
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
  /** On whose behalf: a namespace. They have their turns, and look names up, by share. */
  readonly share?: string;
}

/**
 * Asks a registry itself: credentials in turn, retries, digest, inside `timeoutMs`; `heard` is called
 * when anything was answered.
 */
export type AskRegistry = (
  probe: RegistryProbe,
  signal: AbortSignal,
  heard: () => void,
) => Promise<ProbeOutcome>;

/** How one asks. */
export interface AskOptions {
  /** Ask although the registry is set aside: nothing else was available. */
  readonly insist?: boolean;
  /** A check has its turn and asks a suspect, too; nobody else is told of its answer. */
  readonly isCheck?: boolean;
  /** Nobody else is told of the answer: a dry run changes nothing. */
  readonly isQuiet?: boolean;
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
  readonly probeImage: AskRegistry;
  /** Told of each change of its reachability; one that is broken is asked like any other. */
  readonly moved: (reachability: Reachability | undefined) => void;
  /** The registry's actor; none while it is broken. */
  readonly actor: () => RegistryRef | undefined;
}

/** What a registry's actor says; none knows nothing bad about its registry. */
export function reachabilityOf(actor: RegistryRef | undefined): Reachability {
  return actor?.getSnapshot().value.reachability ?? 'Closed';
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
