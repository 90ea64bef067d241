import { BoundedMap } from '#core/bounded-map.ts';
import { ForbiddenError } from './addresses.ts';

/** Finds all addresses of a name, in the order to try; rejects with a `NameError`. */
export type ResolveName = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>;

/** Why a name has no address. */
export class NameError extends Error {
  /** `ENOTFOUND` where the name is known not to be there, `EAI_AGAIN` where nobody could tell. */
  readonly code: 'ENOTFOUND' | 'EAI_AGAIN';
  readonly hostname: string;

  constructor(hostname: string, code: 'ENOTFOUND' | 'EAI_AGAIN') {
    super(`${hostname} does not resolve`);
    this.hostname = hostname;
    this.code = code;
  }
}

/** Names whose failure is remembered: they come from whoever writes a Pod. */
const FAILURES_MAX = 4_096;
/** Behaviour §10. */
const FAILURE_MEMORY_MS = 5_000;
/** A look-up that takes longer than a connection may (see `connections.ts`) helps nobody. */
const LOOKUP_MS_MAX = 5_000;
/** From here on a look-up counts as slow, of which a share has few (behaviour §10). */
const SLOW_MS = 200;
const SLOW_PER_SHARE = 2;

/** One name that is being looked up. */
interface LookUp {
  readonly answer: Promise<readonly string[]>;
  readonly cancel: AbortController;
  /** Who waits for it: the promises of those with a share reject alone when they are given up. */
  readonly shares: Map<string | undefined, Promise<readonly string[]>>;
}

/**
 * The names of registries, looked up side by side: none waits for another, those who ask for the
 * same join, a failure is remembered for a while, and of one share (a namespace) few may be slow.
 */
export class Names {
  readonly #resolve: ResolveName;
  readonly #monotonicMs: () => number;
  readonly #failures = new BoundedMap<string, { error: unknown; untilMs: number }>(FAILURES_MAX);
  readonly #running = new Map<string, LookUp>();
  /** Slow look-ups by share. */
  readonly #slow = new Map<string, number>();

  /** `resolve` finds the addresses; nobody else asks it. */
  constructor(resolve: ResolveName, monotonicMs: () => number) {
    this.#resolve = resolve;
    this.#monotonicMs = monotonicMs;
  }

  /** The addresses of a name, on behalf of a share; rejects with why there are none. */
  async find(hostname: string, share?: string): Promise<readonly string[]> {
    const failure = this.#failures.get(hostname);
    if (failure !== undefined && failure.untilMs > this.#monotonicMs()) throw failure.error;
    const running = this.#running.get(hostname) ?? this.#begin(hostname);
    const known = running.shares.get(share);
    if (known !== undefined) return await known;
    const answer = share === undefined ? running.answer : this.#within(hostname, running, share);
    running.shares.set(share, answer);
    return await answer;
  }

  #begin(hostname: string): LookUp {
    const cancel = new AbortController();
    const timer = setTimeout(() => cancel.abort(), LOOKUP_MS_MAX);
    const answer = this.#ask(hostname, cancel.signal).finally(() => {
      clearTimeout(timer);
      if (this.#running.get(hostname) === lookUp) this.#running.delete(hostname);
    });
    const lookUp: LookUp = { answer, cancel, shares: new Map() };
    this.#running.set(hostname, lookUp);
    return lookUp;
  }

  async #ask(hostname: string, signal: AbortSignal): Promise<readonly string[]> {
    try {
      return await this.#resolve(hostname, signal);
    } catch (error) {
      const isGivenUp = this.#running.get(hostname)?.cancel.signal !== signal;
      const untilMs = this.#monotonicMs() + FAILURE_MEMORY_MS;
      if (!isGivenUp) this.#failures.set(hostname, { error, untilMs });
      throw error;
    }
  }

  /** The same answer, unless it is slow and its share has enough that are. */
  async #within(hostname: string, lookUp: LookUp, share: string): Promise<readonly string[]> {
    const { promise: tooMany, reject } = Promise.withResolvers<never>();
    let isSlow = false;
    const timer = setTimeout(() => {
      const slow = this.#slow.get(share) ?? 0;
      isSlow = slow < SLOW_PER_SHARE;
      if (isSlow) this.#slow.set(share, slow + 1);
      else {
        this.#leave(hostname, lookUp, share);
        // A rule of ours: it must not make the registry a suspect to anybody else.
        reject(new ForbiddenError(`${hostname} is too slow beside others of its namespace`));
      }
    }, SLOW_MS);
    try {
      return await Promise.race([lookUp.answer, tooMany]);
    } finally {
      clearTimeout(timer);
      if (isSlow) this.#endSlow(share);
    }
  }

  /** Who leaves last ends it: what nobody waits for would still hold a socket. */
  #leave(hostname: string, lookUp: LookUp, share: string): void {
    lookUp.shares.delete(share);
    if (lookUp.shares.size > 0) return;
    this.#running.delete(hostname);
    lookUp.cancel.abort();
  }

  #endSlow(share: string): void {
    const left = (this.#slow.get(share) ?? 0) - 1;
    if (left > 0) this.#slow.set(share, left);
    else this.#slow.delete(share);
  }
}
