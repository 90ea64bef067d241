import type { TimerHeap } from '#actors/timer-heap.ts';

/** Work over the whole state, done again whenever something changed. */
export interface Rounds {
  /** Something changed: one round soon, however often this is called. */
  readonly plan: () => void;
  /** Ends what is in flight; there is no further round. */
  readonly stop: () => void;
}

/** How rounds are run. */
export interface RoundsOptions {
  readonly clock: TimerHeap;
  /** From the end of a round to the next at least so long, however much changes. */
  readonly everyMs: number;
  /** After a round that was not all that was to be done; a change in between comes first. */
  readonly retryMs: number;
  /** One round; the answer is when the next is due by itself, `failed` for `retryMs`. */
  readonly run: (signal: AbortSignal) => Promise<RoundEnd>;
  /** Told of a bug; the round counts as failed. */
  readonly onBug: (error: unknown) => void;
}

/** How a round ended: delay until the next that comes by itself, if any does. */
export type RoundEnd =
  | { readonly kind: 'done'; readonly nextInMs?: number }
  | {
      readonly kind: 'failed';
      /** So long there is no round, whatever changes: the API server wants to be left alone. */
      readonly quietMs?: number;
    };

/** Makes the rounds; none is run before the first `plan`. */
export function createRounds(options: RoundsOptions): Rounds {
  return new PacedRounds(options);
}

class PacedRounds implements Rounds {
  readonly #options: RoundsOptions;
  readonly #abort = new AbortController();
  #cancel: (() => void) | undefined;
  #running = false;
  #again = false;
  #endedMs = Number.NEGATIVE_INFINITY;
  #quietUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: RoundsOptions) {
    this.#options = options;
  }

  readonly plan = (): void => {
    if (this.#running) this.#again = true;
    else this.#planIn(0);
  };

  readonly stop = (): void => {
    this.#abort.abort();
    this.#cancel?.();
  };

  #planIn(delayMs: number): void {
    if (this.#abort.signal.aborted) return;
    const { clock, everyMs } = this.#options;
    const earliestMs = Math.max(this.#endedMs + everyMs, this.#quietUntilMs);
    const waitMs = Math.max(delayMs, earliestMs - clock.now(), 0);
    this.#cancel?.();
    this.#cancel = clock.after(waitMs, () => void this.#round());
  }

  async #round(): Promise<void> {
    const { run, onBug, retryMs, clock } = this.#options;
    this.#running = true;
    let end: RoundEnd = { kind: 'failed' };
    try {
      end = await run(this.#abort.signal);
    } catch (error) {
      onBug(error);
    } finally {
      this.#running = false;
      this.#endedMs = clock.now();
    }
    if (end.kind === 'failed') this.#quietUntilMs = this.#endedMs + (end.quietMs ?? 0);
    if (this.#again) {
      this.#again = false;
      this.#planIn(0);
    } else if (end.kind === 'failed') this.#planIn(retryMs);
    else if (end.nextInMs !== undefined) this.#planIn(end.nextInMs);
  }
}
