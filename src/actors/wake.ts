import { assert } from '#core/result.ts';

/**
 * One heap of wake-ups for the whole process, over one Node timer. Machines that exist by the
 * thousand have no `after`; what must happen later is asked for here (docs/adr/0002).
 */
export interface WakeHeap {
  /** The clock that delays run on: monotonic milliseconds, whatever happens to the wall clock. */
  readonly now: () => number;
  /** Calls back once, not before `delayMs` have passed; returns how to take that back. */
  readonly after: (delayMs: number, callback: () => void) => () => void;
  /** Forgets everything that is pending; what is asked for later never comes. */
  readonly close: () => void;
  /** How many wake-ups are pending. */
  readonly size: number;
}

/** What the heap runs on; tests put simulated time here. */
export interface WakeHeapOptions {
  /** Monotonic milliseconds; `performance.now` unless told. */
  readonly monotonicMs?: () => number;
  /** Arms one timer and returns how to disarm it; Node's, which keeps no process alive. */
  readonly setTimer?: (delayMs: number, callback: () => void) => () => void;
}

/** So many callbacks a turn of the event loop: at about 20 us each a turn stays near 5 ms. */
export const wakesPerTurnMax = 256;

/** Node fires a timer of more than 2^31-1 ms after 1 ms; longer waits are taken in such steps. */
const timerDelayMsMax = 2_147_483_647;

/** Below this many entries the heap is not worth compacting. */
const compactionSizeMin = 64;

interface Wake {
  readonly dueMs: number;
  /** Order of asking, so that equal times fire in it. */
  readonly sequence: number;
  /** Taken away when cancelled or fired. */
  callback: (() => void) | undefined;
}

/** Makes the heap; the caller closes it. */
export function createWakeHeap(options: WakeHeapOptions = {}): WakeHeap {
  return new TimerHeap(options.monotonicMs ?? monotonicMs, options.setTimer ?? setNodeTimer);
}

function monotonicMs(): number {
  return performance.now();
}

/** Listeners keep the process alive, wake-ups don't: a stopped process must not wait for them. */
function setNodeTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}

function isBefore(left: Wake, right: Wake): boolean {
  return left.dueMs === right.dueMs ? left.sequence < right.sequence : left.dueMs < right.dueMs;
}

class TimerHeap implements WakeHeap {
  readonly now: () => number;
  readonly #setTimer: (delayMs: number, callback: () => void) => () => void;
  #heap: Wake[] = [];
  #pending = 0;
  #sequence = 0;
  #closed = false;
  #armedForMs = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;

  constructor(now: () => number, setTimer: (delayMs: number, callback: () => void) => () => void) {
    this.now = now;
    this.#setTimer = setTimer;
  }

  get size(): number {
    return this.#pending;
  }

  readonly after = (delayMs: number, callback: () => void): (() => void) => {
    assert(Number.isFinite(delayMs), `expected a finite delay in ms, got ${delayMs}`);
    if (this.#closed) return () => {};
    const wake: Wake = {
      dueMs: this.now() + Math.max(0, delayMs),
      sequence: this.#sequence++,
      callback,
    };
    this.#push(wake);
    this.#pending += 1;
    this.#arm();
    return () => this.#cancel(wake);
  };

  readonly close = (): void => {
    this.#closed = true;
    this.#heap = [];
    this.#pending = 0;
    this.#disarm?.();
    this.#disarm = undefined;
  };

  /** Cancelling is lazy: the entry stays until it comes up or half of the heap is such. */
  #cancel(wake: Wake): void {
    if (wake.callback === undefined || this.#closed) return;
    wake.callback = undefined;
    this.#pending -= 1;
    if (this.#heap.length < compactionSizeMin || this.#pending * 2 > this.#heap.length) return;
    const live = this.#heap.filter((entry) => entry.callback !== undefined);
    // A sorted array is a heap.
    this.#heap = live.sort((left, right) => (isBefore(left, right) ? -1 : 1));
  }

  /** One timer, for the earliest entry; an earlier entry re-arms it, a later one doesn't. */
  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || this.#closed) return;
    if (this.#disarm !== undefined && this.#armedForMs <= first.dueMs) return;
    this.#disarm?.();
    this.#armedForMs = first.dueMs;
    // Node counts whole milliseconds; rounding down would fire early and spin.
    const delayMs = Math.min(Math.ceil(Math.max(0, first.dueMs - this.now())), timerDelayMsMax);
    this.#disarm = this.#setTimer(delayMs, this.#turn);
  }

  readonly #turn = (): void => {
    this.#disarm = undefined;
    const nowMs = this.now();
    let fired = 0;
    try {
      while (fired < wakesPerTurnMax) {
        const first = this.#heap[0];
        if (first === undefined || first.dueMs > nowMs) break;
        this.#pop();
        fired += this.#fire(first);
      }
    } finally {
      // A callback that throws is a bug and ends the process; until then the others still fire.
      this.#arm();
    }
  };

  #fire(wake: Wake): number {
    const callback = wake.callback;
    if (callback === undefined) return 0;
    wake.callback = undefined;
    this.#pending -= 1;
    callback();
    return 1;
  }

  #push(wake: Wake): void {
    const heap = this.#heap;
    let index = heap.push(wake) - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !isBefore(wake, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = wake;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const child = this.#smallerChild(index);
      if (child === undefined || !isBefore(child.wake, last)) break;
      heap[index] = child.wake;
      index = child.index;
    }
    heap[index] = last;
  }

  #smallerChild(index: number): { readonly index: number; readonly wake: Wake } | undefined {
    const leftIndex = index * 2 + 1;
    const left = this.#heap[leftIndex];
    const right = this.#heap[leftIndex + 1];
    if (left === undefined) return undefined;
    if (right === undefined || isBefore(left, right)) return { index: leftIndex, wake: left };
    return { index: leftIndex + 1, wake: right };
  }
}
