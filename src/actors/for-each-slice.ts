import { setImmediate as nextTurn } from 'node:timers/promises';

/** So many images are dealt with in one turn of the event loop: some milliseconds. */
const imagesPerTurn = 100;

/** A slice in each turn of the event loop, until the signal aborts. */
export async function forEachSlice<T>(
  all: Iterable<T>,
  { signal, perTurn = imagesPerTurn }: { readonly signal: AbortSignal; readonly perTurn?: number },
  work: (slice: readonly T[]) => void,
): Promise<void> {
  const rest = [...all];
  for (let start = 0; start < rest.length && !signal.aborted; start += perTurn) {
    work(rest.slice(start, start + perTurn));
    await nextTurn();
  }
}
