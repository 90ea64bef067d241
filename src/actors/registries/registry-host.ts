import { hash } from 'node:crypto';
import { createPlaces, type PlaceOutcome, type Places } from '#actors/places.ts';
import { createSingleFlight, type Flight, type SingleFlight } from '#actors/single-flight.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import { type Credential, credentialContent } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { makesSuspect, type ProbeMethod, type ProbeOutcome } from '#core/probe.ts';
import { createRegistryQuotas, type RegistryQuotas } from './registry-quotas.ts';

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

/** What came of a probe that was not called off. */
export type HostAnswer =
  | {
      readonly kind: 'Answered';
      readonly outcome: ProbeOutcome;
      /** Position in the request's credentials of the one that the outcome names. */
      readonly credentialIndex?: number;
    }
  | { readonly kind: 'SetAside'; readonly message: string };

/** What a host needs from outside. */
export interface RegistryHostOptions {
  readonly host: string;
  /** Requests at once. */
  readonly concurrency: number;
  readonly clock: TimerHeap;
  /** Wall time, ms. */
  readonly now: () => number;
  /** Asks the registry itself: credentials in turn, retries, digest, inside `timeoutMs`. */
  readonly probeImage: (probe: RegistryProbe, signal: AbortSignal) => Promise<ProbeOutcome>;
  readonly onThrottled: (throttled: boolean) => void;
  /** Told of an outcome that makes a suspect. */
  readonly onSuspect: (message: string) => void;
  readonly onBug: (error: unknown) => void;
}

/** So long an answer is remembered (behaviour §3.5): Pods of one Deployment come together. */
const probeMemoryMs = 1_000;
/** Answers of one host remembered at once, about 500 bytes each. */
const answersMax = 1_000;
/** Repositories of one host whose last good credential is remembered. */
const goodCredentialsMax = 1_000;
/** Probes of one host that may wait for a place: at 4 places and 20 ms that is 5 s of work. */
const waitingMax = 1_000;
/** The credential of one who has none. */
const anonymous = 'anonymous';

/**
 * What stands beside the actor of one registry: its places, its memory of probes, of quotas and of
 * the credential that was let in last. The pacer of checks will stand here too.
 */
export class RegistryHost implements Disposable {
  readonly #options: RegistryHostOptions;
  readonly #places: Places;
  readonly #flights: SingleFlight<HostAnswer>;
  readonly #quotas: RegistryQuotas;
  /** Repository and set of credentials → fingerprint of the one that was let in last. */
  readonly #good: BoundedMap<string, string>;

  constructor(options: RegistryHostOptions) {
    const { concurrency, clock, now, onThrottled, onBug } = options;
    this.#options = options;
    this.#places = createPlaces({ places: concurrency, waitingMax, clock });
    this.#flights = createSingleFlight({
      now: clock.now,
      memoryMs: () => probeMemoryMs,
      entriesMax: answersMax,
      onBug,
    });
    this.#quotas = createRegistryQuotas({ clock, now, onChange: onThrottled });
    this.#good = new BoundedMap(goodCredentialsMax);
  }

  /** Probes in flight, waiting ones included. */
  get busy(): number {
    return this.#flights.flying();
  }

  /**
   * Joins an identical probe in flight or remembered, or sends one; undefined when `signal` aborts
   * first. What nobody waits for any more goes on to its own timeout: to cut it would cost the
   * kept-alive connection, and would hide a dead registry that is never first in order.
   */
  async probe(
    probe: RegistryProbe,
    signal: AbortSignal,
  ): Promise<{ readonly value: HostAnswer; readonly remembered: boolean } | undefined> {
    const prints = probe.credentials.map(fingerprint);
    const key = keyOf(probe, prints);
    const run = (flight: Flight) => this.#run({ probe, prints }, flight);
    return await this.#flights.ask({ key, run, lingers: probe.timeoutMs > 0 }, signal);
  }

  /** What is remembered of the same probe. */
  recall(probe: Omit<RegistryProbe, 'timeoutMs'>): HostAnswer | undefined {
    return this.#flights.recall(keyOf(probe, probe.credentials.map(fingerprint)));
  }

  /** Sends away all that wait for a place: the registry is down. */
  dismiss(): void {
    this.#places.dismiss();
  }

  [Symbol.dispose](): void {
    this.#flights.close();
    this.#places.dismiss();
    this.#quotas.close();
  }

  async #run(ordered: FingerprintedProbe, flight: Flight): Promise<HostAnswer | undefined> {
    const { clock } = this.#options;
    const { probe } = ordered;
    const plan = this.#plan(ordered);
    if (plan.tries.length === 0 && plan.quota !== undefined) return plan.quota;
    const askedMs = clock.now();
    const place = await this.#places.take(probe.timeoutMs, flight.signal);
    if (place !== 'taken') return notPlaced(place, probe);
    try {
      if (!flight.isWanted() || flight.signal.aborted) return undefined;
      const leftMs = probe.timeoutMs === 0 ? 0 : probe.timeoutMs - (clock.now() - askedMs);
      // 0 would mean no limit at all.
      const timeoutMs = probe.timeoutMs === 0 ? 0 : Math.max(1, leftMs);
      const answer = await this.#send(plan, { ...probe, timeoutMs }, flight.signal);
      this.#tellSuspect(answer.outcome, { probe, timeoutMs, signal: flight.signal });
      return plan.quota !== undefined && goesOn(answer.outcome) ? plan.quota : answer;
    } finally {
      this.#places.leave();
    }
  }

  /** Which credentials to try, the last good one first, up to one that has to wait. */
  #plan({ probe, prints }: FingerprintedProbe): Plan {
    const setKey = goodKey(probe, prints);
    const good = this.#good.get(setKey);
    const indexes = probe.credentials.map((_, index) => index);
    const order = indexes.toSorted(
      (left, right) => Number(prints[right] === good) - Number(prints[left] === good),
    );
    // One who has no credential is one, too.
    const tries = (order.length === 0 ? [-1] : order).map((index) => ({
      index,
      print: prints[index] ?? anonymous,
    }));
    const stop = tries.findIndex(({ print }) => this.#quotas.find(print) !== undefined);
    if (stop < 0) return { setKey, tries };
    const quota = this.#quotas.find(tries[stop]?.print ?? anonymous);
    if (quota === undefined) return { setKey, tries };
    const { message, retryAtMs } = quota;
    const outcome = { kind: 'QuotaExceeded', message, retryAtMs } as const;
    return { setKey, tries: tries.slice(0, stop), quota: { kind: 'Answered', outcome } };
  }

  async #send(
    plan: Plan,
    probe: RegistryProbe,
    signal: AbortSignal,
  ): Promise<HostAnswer & { readonly kind: 'Answered' }> {
    const credentials = plan.tries.flatMap(({ index }) => probe.credentials[index] ?? []);
    const outcome = await this.#options.probeImage({ ...probe, credentials }, signal);
    const tried = plan.tries[askerOf(outcome) ?? 0];
    const print = tried?.print ?? anonymous;
    if (outcome.kind === 'QuotaExceeded' && outcome.retryAtMs !== undefined) {
      this.#quotas.exceed(print, outcome.retryAtMs, outcome.message);
    }
    if (outcome.kind === 'Available' && probe.credentials.length > 1) {
      this.#good.set(plan.setKey, print);
    }
    if (askerOf(outcome) === undefined || tried === undefined) return { kind: 'Answered', outcome };
    return { kind: 'Answered', outcome, credentialIndex: tried.index };
  }

  #tellSuspect(outcome: ProbeOutcome, asked: Sent): void {
    // Called off by us, it says nothing about the registry.
    if (asked.signal.aborted || !makesSuspect(outcome)) return;
    if (outcome.kind !== 'Unreachable') return;
    // One that spent its time waiting for a place had hardly any left to be answered in.
    const short = asked.timeoutMs * 2 < asked.probe.timeoutMs;
    if (outcome.cause === 'timeout' && short) return;
    this.#options.onSuspect(outcome.message);
  }
}

interface FingerprintedProbe {
  readonly probe: RegistryProbe;
  /** Of the probe's credentials, in their order. */
  readonly prints: readonly string[];
}

interface Plan {
  readonly setKey: string;
  /** Positions in the probe's credentials (-1 is anonymous), in the order to try. */
  readonly tries: readonly { readonly index: number; readonly print: string }[];
  /** The answer of the next credential, which has to wait: known without asking. */
  readonly quota?: HostAnswer & { readonly kind: 'Answered' };
}

interface Sent {
  readonly probe: RegistryProbe;
  /** What was left of the probe's time when it was sent. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
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

function goodKey(probe: RegistryProbe, prints: readonly string[]): string {
  return [probe.reference.path, ...prints.toSorted()].join(' ');
}

function notPlaced(
  place: Exclude<PlaceOutcome, 'taken'>,
  { reference, timeoutMs }: RegistryProbe,
): HostAnswer {
  const { registry } = reference;
  if (place === 'dismissed') {
    return { kind: 'SetAside', message: `${registry}: a connection failed a moment ago` };
  }
  if (place === 'full') {
    return { kind: 'SetAside', message: `${registry}: more than ${waitingMax} requests wait` };
  }
  const message = `${registry}: expected a free connection within ${timeoutMs} ms, got none`;
  return { kind: 'Answered', outcome: { kind: 'Unreachable', cause: 'timeout', message } };
}

/** Tells credentials apart; itself opens nothing. */
function fingerprint(credential: Credential): string {
  return hash('sha256', credentialContent(credential), 'base64');
}
