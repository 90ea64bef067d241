import { setImmediate as nextTurn } from 'node:timers/promises';

/** To go through so many images takes some 5 ms. */
const perTurnUsual = 2_000;

/**
 * All of them, so many in a turn of the event loop. Who gathers what changes meanwhile has some of it
 * as it was and some as it is, and looks again because of the change.
 */
export async function gather<T>(
  all: Iterable<T>,
  perTurn: number = perTurnUsual,
): Promise<readonly T[]> {
  const gathered: T[] = [];
  await forEachInTurns(all, (one) => gathered.push(one), perTurn);
  return gathered;
}

/** Looks at all of them, so many in a turn of the event loop. */
export async function forEachInTurns<T>(
  all: Iterable<T>,
  look: (one: T) => void,
  perTurn: number = perTurnUsual,
): Promise<void> {
  let looked = 0;
  for (const one of all) {
    look(one);
    looked += 1;
    if (looked % perTurn === 0) await nextTurn();
  }
}
