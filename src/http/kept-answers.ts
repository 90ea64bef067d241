import { BoundedMap } from '#core/bounded-map.ts';

/**
 * Answers that many ask for: made a few at once, shared by all who ask meanwhile, and kept for a
 * moment. Sixty clients cost what one costs (behaviour §10).
 */
export class KeptAnswers<T> {
  readonly #options: KeptAnswersOptions<T>;
  readonly #kept: BoundedMap<string, Kept<T>>;
  readonly #waiting: (() => void)[] = [];
  #making = 0;

  constructor(options: KeptAnswersOptions<T>) {
    this.#options = options;
    this.#kept = new BoundedMap(options.entriesMax);
  }

  /** The answer, or undefined where too many wait for others. */
  readonly get = (key: string, make: () => Promise<T>): Promise<T> | undefined => {
    const known = this.#kept.get(key);
    if (known !== undefined && performance.now() < known.keptUntilMs) {
      return known.answer.then(({ value }) => value);
    }
    if (this.#waiting.length >= this.#options.waitingMax) return undefined;
    const kept: Kept<T> = { keptUntilMs: Number.POSITIVE_INFINITY, answer: this.#inTurn(make) };
    this.#kept.set(key, kept);
    kept.answer.then(
      (made) => {
        kept.keptUntilMs = performance.now() + this.#options.keepMs(made);
      },
      () => {
        kept.keptUntilMs = 0;
      },
    );
    return kept.answer.then(({ value }) => value);
  };

  async #inTurn(make: () => Promise<T>): Promise<Made<T>> {
    await this.#turn();
    const startedMs = performance.now();
    const tookMs = () => performance.now() - startedMs;
    try {
      const value = await make();
      return { value, tookMs: tookMs() };
    } finally {
      const restMs = this.#options.restMs(tookMs());
      // A timer of nothing would be a turn of the event loop for each answer all the same.
      if (restMs === 0) this.#pass();
      else setTimeout(() => this.#pass(), restMs).unref();
    }
  }

  async #turn(): Promise<void> {
    if (this.#making < this.#options.makingMax) {
      this.#making += 1;
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    await promise;
  }

  /** A turn that ends is the next one's. */
  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#making -= 1;
    else next();
  }
}

/** How long answers are kept, and how many are made. */
export interface KeptAnswersOptions<T> {
  /** From when it was made. */
  readonly keepMs: (made: Made<T>) => number;
  /** Answers kept; the one not asked for the longest goes first. */
  readonly entriesMax: number;
  /** Answers made at once; more wait. */
  readonly makingMax: number;
  /** From the end of a making to the next one in its place: others have the time between. */
  readonly restMs: (tookMs: number) => number;
  /** Askers of different answers that wait for their turn. */
  readonly waitingMax: number;
}

/** An answer, and how long it took. */
export interface Made<T> {
  readonly value: T;
  readonly tookMs: number;
}

interface Kept<T> {
  readonly answer: Promise<Made<T>>;
  /** Monotonic ms; endless while it is being made. */
  keptUntilMs: number;
}
