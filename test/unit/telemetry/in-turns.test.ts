import { expect, test } from 'vitest';
import { forEachInTurns, gather } from '#telemetry/in-turns.ts';

/** Keeps the process busy. */
function work(forMs: number): void {
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs);
}

test('who goes through much lets others have their turn, and leaves out nothing', async () => {
  let turns = 0;
  let isDone = false;
  const tick = () => {
    turns += 1;
    if (!isDone) setImmediate(tick);
  };
  setImmediate(tick);
  const all = Array.from({ length: 320 }, (_, index) => index);
  const seen: number[] = [];
  await forEachInTurns(all, (one) => {
    work(0.25);
    seen.push(one);
  });
  isDone = true;
  expect(seen).toEqual(all);
  // 80 ms of work, at most some 8 of it at once.
  expect(turns).toBeGreaterThan(8);
});

test('what is gathered is all there is, in order', async () => {
  const all = Array.from({ length: 10_000 }, (_, index) => index);
  expect(await gather(all.values())).toEqual(all);
});
