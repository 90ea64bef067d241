import { Heap } from '#core/heap.ts';
import { assert } from '#core/result.ts';

/**
 * All timers of the process over one Node timer; the caller closes it. The root has it as its
 * `clock`, so that every `after` of a chart runs on it; machines that exist by the thousand have no
 * `after`, and whoever must wake them asks here (docs/adr/0002).
 */
export class TimerHeap {
  /** The clock that delays run on: monotonic milliseconds, whatever happens to the wall clock. */
  readonly now: () => number;
  readonly #setTimer: typeof setNodeTimer;
  readonly #heap = new Heap<() => void>();
  #isClosed = false;
  #armedForMs = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;

  /** Tests put simulated time here; `setTimer` arms one timer and returns how to disarm it. */
  constructor(monotonicMs = () => performance.now(), setTimer = setNodeTimer) {
    this.now = monotonicMs;
    this.#setTimer = setTimer;
  }

  /** How many timers are pending. */
  get size(): number {
    return this.#heap.size;
  }

  /** How late the earliest timer is, ms: far above 0 only where nothing fires any more. */
  get lateMs(): number {
    const { first } = this.#heap;
    return first === undefined ? 0 : Math.max(0, this.now() - first.atMs);
  }

  /** Calls back once, not before `delayMs` have passed; returns how to take that back. */
  readonly after = (delayMs: number, callback: () => void): (() => void) => {
    assert(Number.isFinite(delayMs), `expected a finite delay in ms, got ${delayMs}`);
    if (this.#isClosed) return () => {};
    const entry = this.#heap.put(callback, this.now() + Math.max(0, delayMs));
    this.#arm();
    return () => this.#heap.remove(entry);
  };

  /** The same as XState asks for it (`Clock`), which may never want to be called. */
  readonly setTimeout = (callback: () => void, delayMs: number): (() => void) =>
    delayMs === Number.POSITIVE_INFINITY ? () => {} : this.after(delayMs, callback);

  readonly clearTimeout = (cancel: () => void): void => cancel();

  /** Forgets everything that is pending; what is asked for later never comes. */
  readonly close = (): void => {
    this.#isClosed = true;
    this.#heap.clear();
    this.#disarm?.();
    this.#disarm = undefined;
  };

  /** One timer, for the earliest entry; an earlier entry re-arms it, a later one doesn't. */
  #arm(): void {
    const { first } = this.#heap;
    if (first === undefined || this.#isClosed) return;
    if (this.#disarm !== undefined && this.#armedForMs <= first.atMs) return;
    this.#disarm?.();
    this.#armedForMs = first.atMs;
    // Node counts whole milliseconds; rounding down would fire early and spin.
    const delayMs = Math.min(Math.ceil(Math.max(0, first.atMs - this.now())), timerDelayMsMax);
    this.#disarm = this.#setTimer(delayMs, this.#turn);
  }

  readonly #turn = (): void => {
    this.#disarm = undefined;
    const nowMs = this.now();
    try {
      for (let fired = 0; fired < callbacksPerTurnMax; fired += 1) {
        const { first } = this.#heap;
        if (first === undefined || first.atMs > nowMs) break;
        this.#heap.remove(first);
        first.value();
      }
    } finally {
      // A callback that throws is a bug and ends the process; until then the others still fire.
      this.#arm();
    }
  };
}

/** So many callbacks a turn of the event loop: at about 20 us each a turn stays near 5 ms. */
export const callbacksPerTurnMax = 256;

/** Node fires a timer of more than 2^31-1 ms after 1 ms; longer waits are taken in such steps. */
const timerDelayMsMax = 2_147_483_647;

/** Listeners keep the process alive, timers don't: a stopped process must not wait for them. */
function setNodeTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
