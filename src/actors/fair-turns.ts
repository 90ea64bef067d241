import { FairQueue } from '#core/fair-queue.ts';
import type { MaybePromise } from '#core/maybe-promise.ts';

/**
 * Does work in pieces, so that nobody's holds the event loop: what is small is done at once, and what
 * is not goes on for a moment in a turn of the loop, each key (a namespace) in its turn.
 */
export class FairTurns {
  readonly #waiting = new FairQueue<Task>();
  #isScheduled = false;
  /** Spent in this turn of the loop by what is done at once. */
  #spentMs = 0;

  /** No promise where the work is small; it is given up, with undefined, where `isWanted` says no. */
  run<T>(
    key: string,
    work: Generator<void, T>,
    isWanted: () => boolean = () => true,
  ): MaybePromise<T | undefined> {
    const startedMs = performance.now();
    if (this.#spentMs < atOnceMs) {
      const done = advance(work, atOnceMs);
      this.#spend(performance.now() - startedMs);
      if (done !== undefined) return done.value;
    }
    return new Promise((resolve, reject) => {
      const step = (): boolean => {
        try {
          const done = isWanted() ? advance(work, turnMs) : { value: undefined };
          if (done !== undefined) resolve(done.value);
          return done !== undefined;
        } catch (error) {
          reject(error as Error);
          return true;
        }
      };
      this.#wait({ key, step });
    });
  }

  #wait(task: Task): void {
    this.#waiting.put(task.key, task);
    this.#schedule();
  }

  #spend(ms: number): void {
    this.#spentMs += ms;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#isScheduled = false;
    this.#spentMs = 0;
    const task = this.#waiting.takeFirst();
    if (task?.step() === false) this.#wait(task);
    if (this.#waiting.size > 0) this.#schedule();
  };
}

interface Task {
  readonly key: string;
  /** Goes on for a moment; says whether it has come to its end. */
  readonly step: () => boolean;
}

/** Nearly every Pod is decided upon in less; together, in one turn of the loop, they get no more. */
const atOnceMs = 5;
/** In one turn of the loop, one task: what comes in between waits no longer than that. */
const turnMs = 4;

/** Undefined where the time was over before the work. */
function advance<T>(work: Generator<void, T>, ms: number): { readonly value: T } | undefined {
  const untilMs = performance.now() + ms;
  do {
    const { done, value } = work.next();
    if (done === true) return { value };
  } while (performance.now() < untilMs);
  return undefined;
}
