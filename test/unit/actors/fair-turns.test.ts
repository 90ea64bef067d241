import { expect, test } from 'vitest';
import { FairTurns } from '#actors/fair-turns.ts';

/** Work of so many pieces of a millisecond each. */
function* work(pieces: number): Generator<void, number> {
  for (let piece = 0; piece < pieces; piece += 1) {
    const untilMs = performance.now() + 1;
    while (performance.now() < untilMs);
    yield;
  }
  return pieces;
}

test('small work is done at once', () => {
  expect(new FairTurns().run('team', work(1))).toBe(1);
});

test('large work leaves turns to others, whose small work does not wait for it', async () => {
  const turns = new FairTurns();
  const ended: string[] = [];
  const one = async (key: string, pieces: number) => {
    await turns.run(key, work(pieces));
    ended.push(key);
  };
  const crowd = Array.from({ length: 10 }, () => one('crowd', 60));
  const other = one('other', 20);
  await Promise.all([...crowd, other]);
  // Turn and turn about by key: ten of one are no more than one of another.
  expect(ended.indexOf('other')).toBeLessThan(2);
});

test('what nobody waits for any more is given up', async () => {
  let isWanted = true;
  const done = new FairTurns().run('team', work(10_000), () => isWanted);
  isWanted = false;
  expect(await done).toBeUndefined();
});

test('a bug is the bug of whoever asked', async () => {
  function* broken(): Generator<void, number> {
    yield* work(20);
    throw new Error('a bug');
  }
  await expect(new FairTurns().run('team', broken())).rejects.toThrow('a bug');
});
