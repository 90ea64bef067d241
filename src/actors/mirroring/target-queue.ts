import PQueue from 'p-queue';
import type { Runtime } from '#actors/runtime.ts';
import { reportCrash } from '#actors/runtime.ts';

/** What waits for a mirror, in the order in which it is to be made (`core/mirroring`). */
export interface CopyOrder<T> {
  readonly size: number;
  readonly put: (item: T) => void;
  readonly remove: (item: T) => void;
  readonly takeFirst: () => T | undefined;
}

/** What is made in turn. */
export interface Turned {
  /** Resolves when it is over, whatever came of it. */
  readonly takeTurn: () => Promise<void>;
}

/**
 * The copies of one mirror: so many are made at once, the rest wait in line. A p-queue of places:
 * whose turn it is when one is free the order says, so that what became urgent meanwhile goes first.
 */
export class TargetQueue<T extends Turned> {
  readonly #runtime: Runtime;
  readonly #target: string;
  readonly #order: CopyOrder<T>;
  readonly #places: PQueue;
  /** Monotonic ms at which each began to wait. */
  readonly #sinceMs = new Map<T, number>();

  constructor(
    runtime: Runtime,
    given: { readonly target: string; readonly concurrency: number; readonly order: CopyOrder<T> },
  ) {
    this.#runtime = runtime;
    this.#target = given.target;
    this.#order = given.order;
    this.#places = new PQueue({ concurrency: given.concurrency });
  }

  get running(): number {
    return this.#places.pending;
  }

  get waiting(): number {
    return this.#order.size;
  }

  /** Since when the first to come waits, monotonic ms. */
  get oldestMs(): number | undefined {
    return this.#sinceMs.values().next().value;
  }

  /** Puts it in line; one that is there takes the place that is its own now. */
  readonly put = (item: T): void => {
    this.#order.remove(item);
    this.#order.put(item);
    if (!this.#sinceMs.has(item)) this.#sinceMs.set(item, this.#runtime.clock.now());
    // What was taken out of the line left its place behind, which serves for this one.
    if (this.#places.size < this.#order.size) void this.#places.add(this.#takeOne);
  };

  readonly remove = (item: T): void => {
    this.#order.remove(item);
    this.#sinceMs.delete(item);
  };

  /** Nobody's turn comes any more until it goes on. */
  readonly pause = (): void => this.#places.pause();

  readonly resume = (): void => void this.#places.start();

  readonly #takeOne = async (): Promise<void> => {
    const item = this.#order.takeFirst();
    if (item === undefined) return;
    this.#sinceMs.delete(item);
    try {
      await item.takeTurn();
    } catch (error) {
      reportCrash(this.#runtime, `mirror-target:${this.#target}`, error);
    }
  };
}
