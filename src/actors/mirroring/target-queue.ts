import PQueue from 'p-queue';
import { type Runtime, reportCrash } from '#actors/runtime.ts';
import { CopyQueue, type CopyTurn } from '#core/mirroring/copy-queue.ts';

/** What is made in turn. */
export interface Turned {
  readonly key: string;
}

/**
 * The copies of one mirror: so many are made at once, the rest wait in line. A p-queue of places:
 * whose turn it is when one is free is found out then, so that what became urgent goes first.
 */
export class TargetQueue<T extends Turned> {
  readonly #runtime: Runtime;
  readonly #target: string;
  readonly #begin: (item: T) => Begun;
  readonly #ended: () => void;
  readonly #signal: AbortSignal;
  readonly #line = new CopyQueue<T>();
  readonly #places: PQueue;
  /** Monotonic ms at which each began to wait, the first to come first. */
  readonly #sinceMs = new Map<string, number>();
  #running = 0;

  constructor(
    runtime: Runtime,
    given: {
      readonly target: string;
      readonly concurrency: number;
      /** One's turn has come. */
      readonly begin: (item: T) => Begun;
      /** Aborts when nobody's turn is to come any more. */
      readonly signal: AbortSignal;
      /** Called whenever nothing is in flight any more for one whose turn had come. */
      readonly ended: () => void;
    },
  ) {
    this.#runtime = runtime;
    this.#target = given.target;
    this.#begin = given.begin;
    this.#ended = given.ended;
    this.#signal = given.signal;
    this.#places = new PQueue({ concurrency: given.concurrency });
  }

  /** Those whose turn has come and is not over, with a place or without. */
  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** Since when the first to come waits, monotonic ms. */
  get oldestMs(): number | undefined {
    return this.#sinceMs.values().next().value;
  }

  /** Puts it in line; one that is there takes the turn that is its own now. */
  readonly put = (item: T, turn: Omit<CopyTurn, 'id'>): void => {
    const { key: id } = item;
    if (this.#sinceMs.has(id)) this.#line.setTurn(id, turn);
    else {
      this.#line.enqueue(item, { id, ...turn });
      this.#sinceMs.set(id, this.#runtime.clock.now());
    }
    // What was taken out of the line left its place behind, which serves for this one.
    if (this.#places.size < this.#line.size) void this.#places.add(this.#takeOne);
  };

  readonly remove = ({ key }: T): void => {
    this.#line.remove(key);
    this.#sinceMs.delete(key);
  };

  /** Nobody's turn comes any more until it goes on. */
  readonly pause = (): void => this.#places.pause();

  readonly resume = (): void => void this.#places.start();

  readonly #takeOne = async (): Promise<void> => {
    if (this.#signal.aborted) return;
    const item = this.#line.dequeue();
    if (item === undefined) return;
    this.#sinceMs.delete(item.key);
    const { turn, place } = this.#begin(item);
    void this.#follow(turn);
    await place;
  };

  async #follow(turn: Promise<void>): Promise<void> {
    this.#running += 1;
    try {
      await turn;
    } catch (error) {
      reportCrash(this.#runtime, `mirror-target:${this.#target}`, error);
    }
    this.#running -= 1;
    // Its place is free only in the next turn of the event loop.
    setImmediate(this.#ended);
  }
}

/** One whose turn has come. */
export interface Begun {
  /** Resolves when it is over, whatever came of it. */
  readonly turn: Promise<void>;
  /** Resolves, and never rejects, when the next one may have its place. */
  readonly place: Promise<void>;
}
