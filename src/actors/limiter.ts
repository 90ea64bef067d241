import PQueue, { type Queue, type QueueAddOptions } from 'p-queue';
import { FairQueue } from '#core/fair-queue.ts';
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
  /** Who wants it: those who wait have their turns by share. */
  readonly share?: string;
  /** It waits on when others are dismissed. */
  readonly stays?: boolean;
}

/**
 * So many tasks at once, the rest wait in line: shares in turn, and within one first come, first
 * served. A p-queue, with what that lacks (docs/adr/0009): a bound on the line, a deadline of the
 * waiting alone, and outcomes instead of rejections. Where the line is full, the last of whoever has
 * most in it makes room for who has less. A task that rejects is a bug of the task and rejects here.
 */
export class Limiter {
  readonly #runtime: Pick<Runtime, 'clock'>;
  readonly #options: LimiterOptions;
  readonly #queue: PQueue<ShareQueue, ShareOptions>;
  readonly #waiting = new FairQueue<Place>();

  constructor(runtime: Pick<Runtime, 'clock'>, options: LimiterOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.#queue = new PQueue({ concurrency: options.concurrency, queueClass: ShareQueue });
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
    if (this.waiting >= waitingMax && !this.#makeRoom(wait.share)) return { kind: 'full' };
    return await this.#wait(task, wait);
  };

  /** Sends away all who wait, save those who stay. */
  readonly dismiss = (): void => {
    for (const { leave, stays } of this.#waiting.all()) if (!stays) leave('dismissed');
  };

  #makeRoom(share = ''): boolean {
    const last = this.#waiting.lastOfMost(share);
    last?.leave('full');
    return last !== undefined;
  }

  async #wait<T>(task: () => Promise<T>, wait: WaitOptions): Promise<Limited<T>> {
    const { signal, timeoutMs = 0, share = '', stays = false } = wait;
    const waiting = new AbortController();
    const place: Place = { leave: (kind) => waiting.abort(kind), stays };
    const late = (): void => place.leave('late');
    const cancel = timeoutMs > 0 ? this.#runtime.clock.after(timeoutMs, late) : () => {};
    signal.addEventListener('abort', late, { once: true });
    this.#waiting.put(share, place);
    const stopWaiting = (): void => {
      this.#waiting.remove(share, place);
      cancel();
      signal.removeEventListener('abort', late);
    };
    const begin = (): Promise<T> => {
      // The signal of a p-queue would free the place of a task that still runs.
      stopWaiting();
      return task();
    };
    try {
      return {
        kind: 'done',
        value: await this.#queue.add(begin, { signal: waiting.signal, share }),
      };
    } catch (error) {
      if (!waiting.signal.aborted) throw error;
      return { kind: waiting.signal.reason as NotRun };
    } finally {
      stopWaiting();
    }
  }
}

type NotRun = Exclude<Limited<never>['kind'], 'done'>;

/** A place in line. */
interface Place {
  readonly leave: (kind: NotRun) => void;
  readonly stays: boolean;
}

interface ShareOptions extends QueueAddOptions {
  readonly share?: string;
}

type Run = () => Promise<unknown>;

/** The line of a p-queue, by share; nobody asks for priorities. */
class ShareQueue implements Queue<Run, ShareOptions> {
  readonly #queue = new FairQueue<string>();
  readonly #entries = new Map<string, { readonly run: Run; readonly share: string }>();

  get size(): number {
    return this.#queue.size;
  }

  enqueue(run: Run, { id = '', share = '' }: ShareOptions = {}): void {
    this.#entries.set(id, { run, share });
    this.#queue.put(share, id);
  }

  dequeue(): Run | undefined {
    const id = this.#queue.takeFirst() ?? '';
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    return entry?.run;
  }

  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#queue.remove(entry.share, id);
  }

  filter(): Run[] {
    return [];
  }

  setPriority(): void {}
}
