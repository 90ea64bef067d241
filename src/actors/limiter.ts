import PQueue from 'p-queue';
import type { Runtime } from './runtime.ts';

/** What became of a task; only `done` ran. */
export type Limited<T> =
  | { readonly kind: 'done'; readonly value: T }
  /** All who waited were sent away at once. */
  | { readonly kind: 'dismissed' }
  /** It waited for as long as it may. */
  | { readonly kind: 'late' }
  /** Too many wait already. */
  | { readonly kind: 'full' };

/** How many tasks run at once, and how many may wait. */
export interface LimiterOptions {
  readonly concurrency: number;
  readonly waitingMax: number;
}

/** How long a task waits before it is `late`. */
export interface WaitOptions {
  /** Its abort ends the waiting; a task that runs goes on. */
  readonly signal: AbortSignal;
  /** 0 waits for ever. */
  readonly timeoutMs?: number;
}

/**
 * So many tasks at once, the rest wait in line, first come, first served. A p-queue, with what that
 * lacks (docs/adr/0009): a bound on the line, a deadline of the waiting alone, and outcomes instead
 * of rejections. A task that rejects is a bug of the task and rejects here.
 */
export class Limiter {
  readonly #runtime: Pick<Runtime, 'clock'>;
  readonly #options: LimiterOptions;
  readonly #queue: PQueue;
  readonly #waiting = new Set<(kind: 'dismissed' | 'late') => void>();

  constructor(runtime: Pick<Runtime, 'clock'>, options: LimiterOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.concurrency });
  }

  get running(): number {
    return this.#queue.pending;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  readonly run = async <T>(task: () => Promise<T>, wait: WaitOptions): Promise<Limited<T>> => {
    if (wait.signal.aborted) return { kind: 'late' };
    const { concurrency, waitingMax } = this.#options;
    if (this.running < concurrency) return { kind: 'done', value: await this.#queue.add(task) };
    if (this.waiting >= waitingMax) return { kind: 'full' };
    return await this.#wait(task, wait);
  };

  /** Sends away all who wait. */
  readonly dismiss = (): void => {
    for (const leave of this.#waiting) leave('dismissed');
  };

  async #wait<T>(task: () => Promise<T>, { signal, timeoutMs = 0 }: WaitOptions) {
    const place = new AbortController();
    const leave = (kind: 'dismissed' | 'late'): void => place.abort(kind);
    const late = (): void => leave('late');
    const cancel = timeoutMs > 0 ? this.#runtime.clock.after(timeoutMs, late) : () => {};
    signal.addEventListener('abort', late, { once: true });
    this.#waiting.add(leave);
    const stopWaiting = (): void => {
      this.#waiting.delete(leave);
      cancel();
      signal.removeEventListener('abort', late);
    };
    const begin = (): Promise<T> => {
      // The signal of a p-queue would free the place of a task that still runs.
      stopWaiting();
      return task();
    };
    try {
      const value = await this.#queue.add(begin, { signal: place.signal });
      return { kind: 'done', value } as const;
    } catch (error) {
      if (!place.signal.aborted) throw error;
      return { kind: place.signal.reason as 'dismissed' | 'late' };
    } finally {
      stopWaiting();
    }
  }
}
