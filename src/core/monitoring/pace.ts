import { assert } from '#core/result.ts';
import { TurnQueue } from './turn-queue.ts';

/** How fast one registry is checked; structurally a part of the configuration. */
export interface Pace {
  readonly intervalMs: number;
  readonly maxPerInterval: number;
}

/**
 * Who is checked when on one registry. All times are of one clock, in ms, that is never set back.
 * A turn is taken in two steps, because reading Secrets takes time: `take` says whose turn it is,
 * `begin` that its request leaves now. No other turn is taken in between, so that requests are as
 * far apart as turns are.
 */
export interface Pacer {
  readonly slotMs: number;
  /** Puts an image in line; `checkedMs` is its last check, undefined for one that had none. */
  readonly add: (key: string, checkedMs: number | undefined) => void;
  /** Takes it out of the line; one whose turn it is just does not come back. */
  readonly remove: (key: string) => void;
  /** Another's answer was as good as a check at that time: it goes back in line, no slot is used. */
  readonly spare: (key: string, checkedMs: number) => void;
  /** When the next turn may be taken; undefined while one is being taken or nobody waits. */
  readonly nextMs: () => number | undefined;
  /** Whose turn it is, if it is anybody's yet. */
  readonly take: (nowMs: number) => string | undefined;
  /** The request of the turn that was taken leaves now. */
  readonly begin: (nowMs: number) => void;
  /** The turn is over; the image goes back in line as checked when its turn began. */
  readonly end: (key: string, beganMs: number) => void;
  /** Checks until then count, whether or not anyone remembers them. */
  readonly resume: (lastMs: number) => void;
  /** Nobody is checked before that time. */
  readonly hold: (untilMs: number) => void;
  /** The registry said that a quota is used up; it did not say until when where that is absent. */
  readonly quotaExceeded: (nowMs: number, untilMs: number | undefined) => void;
  /** The registry answered with something else: the next wait for a quota is short again. */
  readonly answered: () => void;
  readonly figures: () => PacerFigures;
}

/** What there is to tell of a pacer. */
export interface PacerFigures {
  readonly queued: number;
  readonly inFlight: number;
  /** Undefined before the first check. */
  readonly lastMs: number | undefined;
  readonly heldUntilMs: number | undefined;
}

/** A registry that states a longer wait is asked again after a day: quotas are lifted, too. */
export const quotaHoldMsMax = 86_400_000;
/** Where nothing is said the waits double up to this: the usual window of a quota. */
export const quotaGuessMsMax = 3_600_000;
/** `lastMonitor` has whole seconds: the check was up to so much later. */
export const recordedMsMax = 1_000;

/**
 * The time from one check to the next. Rounded up to a microsecond, so that as many slots as there
 * are checks in an interval are never shorter than it, whatever the division leaves.
 */
export function slotMsOf({ intervalMs, maxPerInterval }: Pace): number {
  return Math.ceil((intervalMs / maxPerInterval) * 1_000) / 1_000;
}

/** Makes the pacer of one registry; nobody is in line and nothing was checked. */
export function createPacer(pace: Pace): Pacer {
  return new SlotPacer(slotMsOf(pace));
}

class SlotPacer implements Pacer {
  readonly slotMs: number;
  readonly #line = new TurnQueue();
  /** Those whose turn it is, the one that is being taken included. */
  readonly #away = new Set<string>();
  #taking: string | undefined;
  #lastMs: number | undefined;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  /** Times a quota was used up without a word until when, one after another. */
  #guesses = 0;

  constructor(slotMs: number) {
    this.slotMs = slotMs;
  }

  readonly add = (key: string, checkedMs: number | undefined): void => {
    this.#line.put(key, checkedMs ?? Number.NEGATIVE_INFINITY);
  };

  readonly remove = (key: string): void => {
    this.#line.remove(key);
    this.#away.delete(key);
  };

  readonly spare = (key: string, checkedMs: number): void => {
    if (this.#line.has(key)) this.#line.put(key, checkedMs);
  };

  readonly nextMs = (): number | undefined => {
    if (this.#taking !== undefined || this.#line.size === 0) return undefined;
    return this.#freeMs();
  };

  readonly take = (nowMs: number): string | undefined => {
    const nextMs = this.nextMs();
    if (nextMs === undefined || nowMs < nextMs) return undefined;
    const key = this.#line.takeFirst();
    assert(key !== undefined, 'a line that is not empty has a first');
    this.#taking = key;
    this.#away.add(key);
    // Even if nothing is ever sent, the turn is used up: a bug must not become a burst.
    this.resume(nowMs);
    return key;
  };

  readonly begin = (nowMs: number): void => {
    this.#taking = undefined;
    this.resume(nowMs);
  };

  readonly end = (key: string, beganMs: number): void => {
    if (this.#taking === key) this.#taking = undefined;
    if (this.#away.delete(key)) this.#line.put(key, beganMs);
  };

  readonly resume = (lastMs: number): void => {
    this.#lastMs = Math.max(this.#lastMs ?? lastMs, lastMs);
  };

  readonly hold = (untilMs: number): void => {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, untilMs);
  };

  readonly quotaExceeded = (nowMs: number, untilMs: number | undefined): void => {
    if (untilMs !== undefined) {
      this.hold(Math.min(untilMs, nowMs + quotaHoldMsMax));
      return;
    }
    this.#guesses += 1;
    const guessMs = Math.min(this.slotMs * 2 ** this.#guesses, quotaGuessMsMax);
    this.hold(nowMs + Math.max(guessMs, this.slotMs));
  };

  readonly answered = (): void => {
    this.#guesses = 0;
  };

  readonly figures = (): PacerFigures => ({
    queued: this.#line.size,
    inFlight: this.#away.size,
    lastMs: this.#lastMs,
    heldUntilMs: Number.isFinite(this.#heldUntilMs) ? this.#heldUntilMs : undefined,
  });

  #freeMs(): number {
    const slotMs = this.#lastMs === undefined ? this.#heldUntilMs : this.#lastMs + this.slotMs;
    return Math.max(slotMs, this.#heldUntilMs);
  }
}
