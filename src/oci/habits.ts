import { BoundedMap } from '#core/bounded-map.ts';
import { type Challenge, parseChallenges } from '#core/challenge.ts';
import type { Zone } from './addresses.ts';
import type { Lead, TransportAnswer } from './exchange.ts';
import { type ScopeRequest, usualScope, wantedScope } from './scopes.ts';
import type { Transport, TransportRequest } from './transport.ts';

/** How a registry wants to be told who asks: the same is sent at once next time. */
export type Habit =
  | { readonly scheme: 'none' }
  | { readonly scheme: 'basic' }
  | {
      readonly scheme: 'bearer';
      readonly realm: Lead;
      readonly service?: string;
    };

/** What the challenge of one answer asks for. */
export interface Asked {
  readonly habit: Habit;
  readonly scope?: string;
}

/** Whose habit is meant, and for what: a registry says of each action what it wants. */
export interface Repository extends ScopeRequest {
  readonly registry: string;
}

/** As many as have connections (see `connections.ts`). */
const REGISTRIES_MAX = 512;
/** Repositories that differ from their registry, or whose registry was not asked yet. */
const REPOSITORIES_MAX = 4_096;
/** An error page read to the end keeps its connection; nothing more is needed of it. */
const PING_BYTES_MAX = 65_536;
/** A registry that is slower is asked again by the next who wants to know. */
const PING_MS_MAX = 5_000;
/**
 * How long a request waits for another one that finds out: from a registry farther away than a few
 * of these round trips its own answer is as quick, and a review has 1 s for everything.
 */
const WAIT_MS_MAX = 150;
/** A registry that says something else of a repository is asked again, though not each time. */
const DOUBT_AFTER_MS = 60_000;

/** What is known of a whole registry. */
type Known =
  /** Somebody was answered without being asked who it is. */
  | { readonly kind: 'serves' }
  /** One of its repositories asked; it was not asked itself yet. */
  | { readonly kind: 'asks' }
  /** What `GET /v2/` asked for. */
  | { readonly kind: 'said'; readonly habit: Habit; readonly atMs: number };

/** What a request is begun with. */
export interface Expectation {
  readonly habit?: Habit;
  /** Given to the one that finds out for all others, who wait until it is called. */
  readonly done?: () => void;
}

/**
 * What registries ask for: remembered for the repository that it was said of, and for all of a
 * registry when `GET /v2/` says so. One path of a shared registry is somebody else's than another:
 * what it names must never be where the other's credentials go.
 */
export class Habits {
  readonly #transport: Transport;
  readonly #monotonicMs: () => number;
  readonly #registries = new BoundedMap<string, Known>(REGISTRIES_MAX);
  readonly #repositories = new BoundedMap<string, Habit>(REPOSITORIES_MAX);
  /** Where a repository wants another scope than the usual one: rare. */
  readonly #scopes = new BoundedMap<string, string>(REPOSITORIES_MAX);
  /** The first request to a registry, or its `GET /v2/`, in flight: a burst needs one of each. */
  readonly #findings = new Map<string, Promise<void>>();

  /** `monotonicMs` says how old a memory is. */
  constructor(transport: Transport, monotonicMs: () => number) {
    this.#transport = transport;
    this.#monotonicMs = monotonicMs;
  }

  /**
   * What a repository will ask for, as far as it is known. Of a new registry one request finds out,
   * for all that have a credential: each of the others would be refused and sent again. Where
   * another repository was asked for one, the registry itself is asked what holds for all.
   */
  async expected(
    of: Repository,
    { isAnonymous, signal }: { readonly isAnonymous: boolean; readonly signal: AbortSignal },
  ): Promise<Expectation> {
    const known = this.#find(of);
    if (known !== undefined) return { habit: known };
    const isNew = this.#registries.get(of.registry) === undefined;
    if (isNew && isAnonymous) return {};
    if (isNew && !this.#findings.has(of.registry)) return { done: this.#begin(of.registry) };
    return await this.#wait(of, AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS_MAX)]));
  }

  /** The scope that a token for a repository will be asked for with. */
  scopeOf(of: Repository): string {
    return wantedScope(of, this.#scopes.get(scopeKeyOf(of)));
  }

  /** Remembers what an answer asks for; `undefined` where that is nothing, or nothing we speak. */
  learn(of: Repository, answer: TransportAnswer): Asked | undefined {
    // What another host asks for, where a registry sends us on to, it asks for itself.
    const asked = answer.foreign ? undefined : readChallenge(answer);
    if (asked !== undefined) this.#remember(of, asked);
    else if (this.#registries.get(of.registry) === undefined && !isTrouble(answer)) {
      this.#registries.set(of.registry, { kind: 'serves' });
    }
    return asked;
  }

  /** A token service may have moved or gone: next time the registry says again what it wants. */
  forget(of: Repository): void {
    this.#repositories.delete(keyOf(of));
    this.#registries.delete(of.registry);
  }

  /** Until it is known, or somebody has to find out again, or it takes too long. */
  async #wait(of: Repository, waiting: AbortSignal): Promise<Expectation> {
    const { promise: over, resolve: stop } = Promise.withResolvers<void>();
    waiting.addEventListener('abort', () => stop(), { once: true });
    while (!waiting.aborted) {
      const habit = this.#find(of);
      if (habit !== undefined) return { habit };
      const finding = this.#findings.get(of.registry);
      const isNew = this.#registries.get(of.registry) === undefined;
      if (isNew && finding === undefined) return { done: this.#begin(of.registry) };
      await Promise.race([finding ?? this.#ask(of.registry), over]);
    }
    return {};
  }

  #find(of: Repository): Habit | undefined {
    const own = this.#repositories.get(keyOf(of));
    if (own !== undefined) return own;
    const known = this.#registries.get(of.registry);
    if (known?.kind === 'serves') return { scheme: 'none' };
    return known?.kind === 'said' ? known.habit : undefined;
  }

  #remember(of: Repository, { habit, scope }: Asked): void {
    if (scope !== undefined && scope !== usualScope(of)) this.#scopes.set(scopeKeyOf(of), scope);
    const known = this.#registries.get(of.registry);
    const said = known?.kind === 'said' ? known : undefined;
    if (said !== undefined && sameHabit(said.habit, habit)) {
      this.#repositories.delete(keyOf(of));
      return;
    }
    this.#repositories.set(keyOf(of), habit);
    const isDoubtful = said === undefined || this.#monotonicMs() - said.atMs > DOUBT_AFTER_MS;
    if (isDoubtful) this.#registries.set(of.registry, { kind: 'asks' });
  }

  #begin(registry: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#findings.set(registry, promise);
    return () => {
      this.#findings.delete(registry);
      resolve();
    };
  }

  async #ask(registry: string): Promise<void> {
    const done = this.#begin(registry);
    const sent = await this.#transport.send(pingOf(registry), AbortSignal.timeout(PING_MS_MAX));
    // One that does not answer here is not asked again before a repository says something new.
    const asked = sent.ok && !sent.value.foreign ? readChallenge(sent.value) : undefined;
    const habit = asked?.habit ?? { scheme: 'none' };
    this.#registries.set(registry, { kind: 'said', habit, atMs: this.#monotonicMs() });
    done();
  }
}

/** `GET /v2/` (distribution spec, "API version check"): whether it is there, and what it asks for. */
export function pingOf(registry: string): TransportRequest {
  return { registry, target: '/v2/', method: 'GET', headers: {}, bodyBytesMax: PING_BYTES_MAX };
}

/** What the 401 of an answer asks for: Bearer where a token can be had, else Basic. */
export function readChallenge(answer: TransportAnswer): Asked | undefined {
  if (answer.status !== 401) return undefined;
  const challenges = parseChallenges([answer.headers['www-authenticate'] ?? []].flat());
  for (const challenge of challenges) {
    const asked = readBearer(challenge, answer.lead.from);
    if (asked !== undefined) return asked;
  }
  return challenges.some(isBasic) ? { habit: { scheme: 'basic' } } : undefined;
}

function readBearer({ scheme, parameters }: Challenge, from: Zone): Asked | undefined {
  const url = scheme === 'bearer' ? URL.parse(parameters['realm'] ?? '') : null;
  if (url === null) return undefined;
  const { service, scope } = parameters;
  return {
    habit: { scheme: 'bearer', realm: { url, from }, ...(service !== undefined && { service }) },
    ...(scope !== undefined && scope !== '' && { scope }),
  };
}

/** It may be over in a moment, and says nothing of who is let in. */
function isTrouble({ status }: TransportAnswer): boolean {
  return status === 429 || status >= 500;
}

function isBasic({ scheme }: Challenge): boolean {
  return scheme === 'basic';
}

function sameHabit(one: Habit, other: Habit): boolean {
  if (one.scheme !== 'bearer' || other.scheme !== 'bearer') return one.scheme === other.scheme;
  return one.realm.url.href === other.realm.url.href && one.service === other.service;
}

function scopeKeyOf(of: Repository): string {
  return `${keyOf(of)} ${of.actions ?? 'pull'} ${of.mountFrom ?? ''}`;
}

/** No registry has a slash in its name. */
function keyOf({ registry, repository }: Repository): string {
  return `${registry}/${repository}`;
}
