import { BoundedMap } from '#core/bounded-map.ts';
import { type Runtime, reportCrash } from './runtime.ts';

/** How long answers are remembered, and how many. */
export interface SingleFlightOptions<T> {
  /** Names it where a bug is told of. */
  readonly name: string;
  /** So long after an answer came the same question gets it again, ms. */
  readonly memoryMs: (value: T) => number;
  /** Answers remembered at once; the one not asked for longest is forgotten first. */
  readonly entriesMax: number;
}

/** A question in flight, as the one who asks the world sees it. */
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
export interface SharedAnswer<T> {
  readonly value: T;
  /** From memory: nothing was sent for it. */
  readonly remembered: boolean;
}

interface InFlight<T> {
  readonly answer: Promise<T | undefined>;
  readonly controller: AbortController;
  readonly lingers: boolean;
  waiting: number;
}

/**
 * Identical questions in flight are joined, and answers live on for a moment. A `run` that rejects is
 * a bug, which all who wait get. The caller closes it.
 */
export class SingleFlight<T> {
  readonly #runtime: Runtime;
  readonly #options: SingleFlightOptions<T>;
  readonly #inFlight = new Map<string, InFlight<T>>();
  readonly #memory: BoundedMap<string, { readonly value: T; readonly untilMs: number }>;

  constructor(runtime: Runtime, options: SingleFlightOptions<T>) {
    this.#runtime = runtime;
    this.#options = options;
    this.#memory = new BoundedMap(options.entriesMax);
  }

  /** Questions in flight. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** The answer that `ask` would have from memory. */
  readonly recall = (key: string): T | undefined => {
    const known = this.#memory.get(key);
    return known !== undefined && known.untilMs > this.#runtime.clock.now()
      ? known.value
      : undefined;
  };

  /** The world has changed: what was answered, or is in flight, is not what is true now. */
  readonly forget = (key: string): void => {
    this.#memory.delete(key);
    this.#inFlight.delete(key);
  };

  /** Resolves when what is in flight, for one key or for all, has come to an end of any kind. */
  readonly ended = async (key?: string): Promise<void> => {
    const flights = key === undefined ? this.#inFlight.values() : [this.#inFlight.get(key)];
    await Promise.allSettled([...flights].map((flight) => flight?.answer));
  };

  /** Aborts all that is in flight and forgets the rest. */
  readonly close = (): void => {
    for (const { controller } of this.#inFlight.values()) controller.abort();
    this.#inFlight.clear();
    this.#memory.clear();
  };

  /** Resolves to `undefined` when `signal` aborts first, or nobody's answer came. */
  readonly ask = async (
    question: Question<T>,
    signal: AbortSignal,
  ): Promise<SharedAnswer<T> | undefined> => {
    if (signal.aborted) return undefined;
    const known = this.recall(question.key);
    if (known !== undefined) return { value: known, remembered: true };
    const joined = this.#inFlight.get(question.key);
    if (joined !== undefined) joined.waiting += 1;
    const flight = joined ?? this.#start(question);
    try {
      const value = await orAborted(flight.answer, signal);
      return value === undefined ? undefined : { value, remembered: false };
    } finally {
      this.#stopWaiting(question.key, flight);
    }
  };

  #start({ key, run, lingers }: Question<T>): InFlight<T> {
    const controller = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<T | undefined>();
    const flight: InFlight<T> = { answer: promise, controller, lingers, waiting: 1 };
    this.#inFlight.set(key, flight);
    run({ signal: controller.signal, isWanted: () => flight.waiting > 0 }).then(
      (value) => {
        // One that was forgotten meanwhile answers those who asked by then, and nobody later.
        if (this.#end(key, flight) && value !== undefined) this.#remember(key, value);
        resolve(value);
      },
      (error: unknown) => {
        this.#end(key, flight);
        reject(error);
      },
    );
    promise.catch((error: unknown) => {
      if (flight.waiting === 0) reportCrash(this.#runtime, this.#options.name, error);
    });
    return flight;
  }

  #remember(key: string, value: T): void {
    const untilMs = this.#runtime.clock.now() + this.#options.memoryMs(value);
    this.#memory.set(key, { value, untilMs });
  }

  #stopWaiting(key: string, flight: InFlight<T>): void {
    flight.waiting -= 1;
    if (flight.waiting > 0 || flight.lingers) return;
    // Whoever asks from now on must not be handed what is being called off.
    this.#end(key, flight);
    flight.controller.abort(nobodyWaits);
  }

  /** Whether it was still the one in flight for its question. */
  #end(key: string, flight: InFlight<T>): boolean {
    return this.#inFlight.get(key) === flight && this.#inFlight.delete(key);
  }
}

/** One for all: answers come by the thousand, and an error of its own for each costs as much again. */
const nobodyWaits = new Error('nobody waits for this answer any more');

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
