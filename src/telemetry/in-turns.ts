import { setImmediate as nextTurn } from 'node:timers/promises';

/** So long, in ms, one goes on in a turn of the event loop; several may go through much at once. */
const turnMs = 4;
/** To look at the clock costs as much as to look at an image. */
const looksPerClock = 16;

/**
 * Looks at all of them, for a few milliseconds in each turn of the event loop, so that reviews go in
 * between. What changes meanwhile is seen as it was or as it is.
 */
export async function forEachInTurns<T>(all: Iterable<T>, look: (one: T) => void): Promise<void> {
  let untilMs = performance.now() + turnMs;
  let looked = 0;
  for (const one of all) {
    look(one);
    looked += 1;
    if (looked % looksPerClock !== 0 || performance.now() < untilMs) continue;
    await nextTurn();
    untilMs = performance.now() + turnMs;
  }
}

/** All of them, gathered like that; whoever needs them as they are looks again when they change. */
export async function gather<T>(all: Iterable<T>): Promise<readonly T[]> {
  const gathered: T[] = [];
  await forEachInTurns(all, (one) => gathered.push(one));
  return gathered;
}

/** Work that yields after each small piece, done like that; answers with what it came to. */
export async function finishInTurns<T>(work: Generator<void, T>): Promise<T> {
  let result: T | undefined;
  const pieces = (function* () {
    result = yield* work;
  })();
  await forEachInTurns(pieces, () => {});
  return result as T;
}
