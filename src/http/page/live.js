import { heardFailure, heardReplica } from './connection.js';
import { useEffect, useState } from './preact.js';

/**
 * An answer of the operator as a view sees it.
 *
 * @template T
 * @typedef {object} Answer
 * @property {T | null} value The last one; it stays while there are errors.
 * @property {string | null} error Why the last request has no answer.
 * @property {number | null} at When the value was answered, wall time in ms.
 * @property {boolean} asking Whether a request is under way.
 * @property {() => void} refresh Asks again, now.
 */

/**
 * @typedef {object} AnswerOptions
 * @property {number} [everyMs] How often it is asked for again while the page can be seen; 0 asks once.
 * @property {number} [timeoutMs]
 */

const everyMsDefault = 2_000;
/** Longer than the operator itself takes for its longest answer. */
const timeoutMsDefault = 12_000;
/** An operator that is away is not asked more often than this. */
const backoffMsMax = 15_000;
/** Answers kept of views that were left, so that going back shows something at once. */
const keptMax = 40;

/** @type {Answer<never>} */
const nothing = { value: null, error: null, at: null, asking: false, refresh: () => undefined };

/** Everything that is asked for now, and the last answers of what was. @type {Map<string, Source>} */
const sources = new Map();

/**
 * The answer at a path, kept fresh while the page can be seen; `null` asks for nothing. Views that
 * ask for the same share one request.
 *
 * @template [T=any]
 * @param {string | null} path
 * @param {AnswerOptions} [options]
 * @returns {Answer<T>}
 */
export function useAnswer(path, { everyMs = everyMsDefault, timeoutMs = timeoutMsDefault } = {}) {
  const [, setTurn] = useState(0);
  useEffect(() => {
    if (path === null) return undefined;
    const source = sourceAt(path);
    return source.follow({ everyMs, timeoutMs, tell: () => setTurn((turn) => turn + 1) });
  }, [path, everyMs, timeoutMs]);
  const source = path === null ? undefined : sources.get(path);
  return source === undefined
    ? { ...nothing, asking: path !== null }
    : /** @type {Answer<T>} */ (source.answer);
}

/**
 * Asks once.
 *
 * @template [T=any]
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {Promise<T>} Rejects with what the operator says was wrong.
 */
export async function ask(path, signal) {
  const headers = { accept: 'application/json' };
  const response = await fetch(urlOf(path), { headers, signal, cache: 'no-store' });
  heardReplica(response);
  const body = await response.json().catch(() => null);
  if (!response.ok) throw new Error(body?.error ?? `the operator answered ${response.status}`);
  return body;
}

/**
 * The URL of `/debug/…`, wherever the page is served below.
 *
 * @param {string} path
 * @returns {URL}
 */
export function urlOf(path) {
  return new URL(path.replace(/^\/debug\/?/, './'), document.baseURI);
}

/** @type {(path: string) => Source} */
function sourceAt(path) {
  const known = sources.get(path) ?? new Source(path);
  // The one asked for last is the last to be forgotten.
  sources.delete(path);
  sources.set(path, known);
  for (const [name, source] of sources) {
    if (sources.size <= keptMax) break;
    if (source.isIdle) sources.delete(name);
  }
  return known;
}

/** @typedef {{ everyMs: number, timeoutMs: number, tell: () => void }} Follower */

/** One path that is asked for again and again while somebody follows it. */
class Source {
  /** @type {Answer<unknown>} */
  answer = { ...nothing, asking: true, refresh: () => this.#refresh() };
  /** @type {Set<Follower>} */
  #followers = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {AbortController | undefined} */
  #request;
  /** What is on its way may be older than what somebody wants to see. */
  #isOutdated = false;
  #text = '';
  #failures = 0;
  #path;

  /** @param {string} path */
  constructor(path) {
    this.#path = path;
  }

  get isIdle() {
    return this.#followers.size === 0;
  }

  /**
   * @param {Follower} follower
   * @returns {() => void} Ends it.
   */
  follow(follower) {
    if (this.isIdle) document.addEventListener('visibilitychange', this.#look);
    this.#followers.add(follower);
    this.#look();
    return () => {
      this.#followers.delete(follower);
      if (!this.isIdle) return;
      document.removeEventListener('visibilitychange', this.#look);
      clearTimeout(this.#timer);
      this.#request?.abort();
      this.#request = undefined;
    };
  }

  #look = () => {
    clearTimeout(this.#timer);
    if (!document.hidden && this.#request === undefined && !this.isIdle) void this.#ask();
  };

  #refresh() {
    this.#isOutdated = this.#request !== undefined;
    this.#look();
  }

  async #ask() {
    const request = new AbortController();
    this.#request = request;
    this.#isOutdated = false;
    this.#change({ asking: true });
    const timeoutMs = Math.max(...[...this.#followers].map((one) => one.timeoutMs));
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      this.#heard(await ask(this.#path, signal));
      this.#failures = 0;
    } catch (error) {
      if (!request.signal.aborted) this.#failed(error, timeoutMs);
    }
    if (this.#request !== request) return;
    this.#request = undefined;
    this.#askAgain();
    this.#change({ asking: false });
    if (this.#isOutdated) this.#look();
  }

  /** Whoever asks again and again is not told of each time that it does. */
  #change(/** @type {Partial<Answer<unknown>>} */ change) {
    this.answer = { ...this.answer, ...change };
    for (const { tell, everyMs } of this.#followers) {
      if (change.asking !== true || everyMs === 0) tell();
    }
  }

  /** The same text is the same value, so that a view that looks at it has nothing to do. */
  #heard(/** @type {unknown} */ value) {
    const text = JSON.stringify(value);
    const same = text === this.#text && this.answer.value !== null;
    this.#text = text;
    const kept = same ? this.answer.value : value;
    this.answer = { ...this.answer, value: kept, error: null, at: Date.now() };
  }

  #failed(/** @type {unknown} */ error, /** @type {number} */ timeoutMs) {
    this.#failures += 1;
    heardFailure(error);
    this.answer = { ...this.answer, error: describeFailure(error, timeoutMs) };
  }

  #askAgain() {
    const paces = [...this.#followers].map(({ everyMs }) => everyMs).filter((ms) => ms > 0);
    if (paces.length === 0) return;
    const waitMs = Math.min(...paces) * 2 ** Math.min(this.#failures, 4);
    this.#timer = setTimeout(
      this.#look,
      Math.max(Math.min(waitMs, backoffMsMax), Math.min(...paces)),
    );
  }
}

/** @type {(error: unknown, timeoutMs: number) => string} */
function describeFailure(error, timeoutMs) {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return `no answer within ${timeoutMs / 1_000} s`;
  }
  if (error instanceof TypeError) return 'the operator cannot be reached';
  return error instanceof Error ? error.message : String(error);
}
