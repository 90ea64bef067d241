import type { TimerHeap } from './timer-heap.ts';

/** What became of waiting for a place. */
export type PlaceOutcome =
  /** A place was free or became so; whoever got it must `leave`. */
  | 'taken'
  /** All who waited were sent away at once. */
  | 'dismissed'
  /** The time ran out. */
  | 'late'
  /** Too many wait already. */
  | 'full';

/** So many do something at once, the rest wait in line. */
export interface Places {
  /** Waits at most `timeoutMs` (0: for ever); `signal` counts as the time running out. */
  readonly take: (timeoutMs: number, signal: AbortSignal) => Promise<PlaceOutcome>;
  readonly leave: () => void;
  /** Sends away all who wait. */
  readonly dismiss: () => void;
  /** How many have a place now. */
  readonly taken: () => number;
  readonly waiting: () => number;
}

/** How many places, how many may wait, and the clock. */
export interface PlacesOptions {
  readonly places: number;
  readonly waitingMax: number;
  readonly clock: TimerHeap;
}

/** Makes the places; nothing is to be closed, but who waits should be dismissed. */
export function createPlaces({ places, waitingMax, clock }: PlacesOptions): Places {
  // A Set keeps the order of insertion, and one in the middle leaves at no cost.
  const line = new Set<(outcome: PlaceOutcome) => void>();
  let taken = 0;

  const wait = (timeoutMs: number, signal: AbortSignal): Promise<PlaceOutcome> => {
    const { promise, resolve } = Promise.withResolvers<PlaceOutcome>();
    const settle = (outcome: PlaceOutcome): void => {
      line.delete(settle);
      cancel();
      signal.removeEventListener('abort', late);
      resolve(outcome);
    };
    const late = (): void => settle('late');
    const cancel = timeoutMs > 0 ? clock.after(timeoutMs, late) : () => {};
    signal.addEventListener('abort', late, { once: true });
    line.add(settle);
    return promise;
  };

  return {
    take: async (timeoutMs, signal) => {
      if (signal.aborted) return 'late';
      if (taken < places) {
        taken += 1;
        return 'taken';
      }
      return line.size < waitingMax ? await wait(timeoutMs, signal) : 'full';
    },
    leave: () => {
      const [next] = line;
      // The place goes from hand to hand, so that nobody slips in between.
      if (next === undefined) taken -= 1;
      else next('taken');
    },
    dismiss: () => {
      for (const settle of line) settle('dismissed');
    },
    taken: () => taken,
    waiting: () => line.size,
  };
}
