import { type BoundedMap, createBoundedMap } from '#core/bounded-map.ts';

/** How long answers are remembered, how many, and by which clock. */
export interface SingleFlightOptions<T> {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** So long after an answer came the same question gets it again, ms. */
  readonly memoryMs: (value: T) => number;
  /** Answers remembered at once; the one not asked for longest is forgotten first. */
  readonly entriesMax: number;
  /** Told of a `run` that rejected when nobody waited for it any more. */
  readonly onBug: (error: unknown) => void;
}

/** One question on its way, as the one who asks the world sees it. */
export interface Flight {
  /** Aborts when nobody waits any more (unless it lingers), and when all is closed. */
  readonly signal: AbortSignal;
  /** Whether anybody still waits for the answer. */
  readonly isWanted: () => boolean;
}

/** A question to the world: the same `key` means the same question. */
export interface Question<T> {
  readonly key: string;
  /** Asks; `undefined` is an answer that is nobody's and is not remembered. */
  readonly run: (flight: Flight) => Promise<T | undefined>;
  /** Goes on to its end although nobody waits: only for what ends by itself. */
  readonly lingers: boolean;
}

/** An answer, and whether it was there already. */
export interface Flown<T> {
  readonly value: T;
  /** From memory: nothing was sent for it. */
  readonly remembered: boolean;
}

/** Identical questions in flight are joined, and answers live on for a moment. */
export interface SingleFlight<T> {
  /** Resolves to `undefined` when `signal` aborts first, or nobody's answer came. */
  readonly ask: (question: Question<T>, signal: AbortSignal) => Promise<Flown<T> | undefined>;
  /** The answer that `ask` would have from memory. */
  readonly recall: (key: string) => T | undefined;
  /** The world has changed: what was answered, or is on its way, is not what is true now. */
  readonly forget: (key: string) => void;
  /** Questions in flight. */
  readonly flying: () => number;
  /** Aborts all that is in flight and forgets the rest. */
  readonly close: () => void;
}

/** Makes one; the caller closes it. A `run` that rejects is a bug, which all who wait get. */
export function createSingleFlight<T>(options: SingleFlightOptions<T>): SingleFlight<T> {
  return new Flights<T>(options);
}

interface Remembered<T> {
  readonly value: T;
  readonly untilMs: number;
}

interface Airborne<T> {
  readonly answer: Promise<T | undefined>;
  readonly controller: AbortController;
  readonly lingers: boolean;
  waiting: number;
  /** Whether it was still the one for its question when it landed. */
  isCurrent: boolean;
}

class Flights<T> implements SingleFlight<T> {
  readonly #options: SingleFlightOptions<T>;
  readonly #airborne = new Map<string, Airborne<T>>();
  #memory: BoundedMap<string, Remembered<T>>;

  constructor(options: SingleFlightOptions<T>) {
    this.#options = options;
    this.#memory = createBoundedMap(options.entriesMax);
  }

  readonly flying = (): number => this.#airborne.size;

  readonly recall = (key: string): T | undefined => {
    const known = this.#memory.get(key);
    return known !== undefined && known.untilMs > this.#options.now() ? known.value : undefined;
  };

  readonly forget = (key: string): void => {
    this.#memory.delete(key);
    this.#airborne.delete(key);
  };

  readonly close = (): void => {
    for (const { controller } of this.#airborne.values()) controller.abort();
    this.#airborne.clear();
    this.#memory = createBoundedMap(this.#options.entriesMax);
  };

  readonly ask = async (
    question: Question<T>,
    signal: AbortSignal,
  ): Promise<Flown<T> | undefined> => {
    if (signal.aborted) return undefined;
    const known = this.recall(question.key);
    if (known !== undefined) return { value: known, remembered: true };
    const flight = this.#airborne.get(question.key) ?? this.#depart(question);
    flight.waiting += 1;
    try {
      const value = await orAborted(flight.answer, signal);
      return value === undefined ? undefined : { value, remembered: false };
    } finally {
      this.#stopWaiting(question.key, flight);
    }
  };

  #depart(question: Question<T>): Airborne<T> {
    const controller = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    const flight: Airborne<T> = {
      answer: promise,
      controller,
      lingers: question.lingers,
      waiting: 0,
      isCurrent: false,
    };
    this.#airborne.set(question.key, flight);
    question
      .run({ signal: controller.signal, isWanted: () => flight.waiting > 0 })
      .finally(() => {
        // One that was forgotten on its way answers those who asked by then, and nobody later.
        flight.isCurrent = this.#airborne.get(question.key) === flight;
        this.#land(question.key, flight);
      })
      .then((value) => {
        if (value !== undefined && flight.isCurrent) this.#remember(question.key, value);
        resolve(value);
      }, reject);
    promise.catch((error: unknown) => {
      if (flight.waiting === 0) this.#options.onBug(error);
    });
    return flight;
  }

  #remember(key: string, value: T): void {
    const { now, memoryMs } = this.#options;
    this.#memory.set(key, { value, untilMs: now() + memoryMs(value) });
  }

  #stopWaiting(key: string, flight: Airborne<T>): void {
    flight.waiting -= 1;
    if (flight.waiting > 0 || flight.lingers) return;
    // Whoever asks from now on must not be handed what is being called off.
    this.#land(key, flight);
    flight.controller.abort();
  }

  #land(key: string, flight: Airborne<T>): void {
    if (this.#airborne.get(key) === flight) this.#airborne.delete(key);
  }
}

/** One caller's way out, which leaves the answer to the others. */
async function orAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const leave = (): void => resolve(undefined);
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([answer, promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
