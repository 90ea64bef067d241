import { expect, test } from 'vitest';
import { type AttackFigures, attackCells, missedBars } from '#test/attack/verdict.ts';

const megabyte = 1024 * 1024;

function figures(given: Partial<AttackFigures> = {}, isLarge = false): AttackFigures {
  const row = { id: 'A1', attack: 'something', who: 'somebody', isLarge, run: async () => [] };
  return {
    row,
    quiet: { p50Ms: 4, p99Ms: 10 },
    attacked: { p50Ms: 5, p99Ms: 49, failed: 0, patched: 0 },
    ...{ turnMs: 49, idleTurnMs: 11, grownBytes: 99 * megabyte, leaks: [] },
    ...given,
  };
}

const attacked = { p50Ms: 5, p99Ms: 49, failed: 0, patched: 0 };

test('an attack is stood that holds nobody up, takes little and leaks nothing', () => {
  expect(missedBars(figures())).toEqual([]);
  expect(attackCells(figures()).at(-1)).toBe('PASS');
});

test('p99 may be twice of quiet, or 50 ms, or 250 ms where large objects are parsed', () => {
  const slow = { attacked: { ...attacked, p99Ms: 51 } };
  expect(missedBars(figures(slow))).toEqual(['p99 above 50 ms']);
  expect(missedBars(figures({ ...slow, quiet: { p50Ms: 4, p99Ms: 26 } }))).toEqual([]);
  const slower = { attacked: { ...attacked, p99Ms: 249 } };
  expect(missedBars(figures(slower, true))).toEqual([]);
  expect(missedBars(figures({ attacked: { ...attacked, p99Ms: 251 } }, true))).toHaveLength(1);
});

test('a turn may take 50 ms, or 200 ms where large objects are parsed', () => {
  expect(missedBars(figures({ turnMs: 51 }))).toEqual(['a turn above 50 ms']);
  expect(missedBars(figures({ turnMs: 199 }, true))).toEqual([]);
  expect(missedBars(figures({ turnMs: 201 }, true))).toEqual(['a turn above 200 ms']);
});

test('what holds up a process that does nothing is the machine', () => {
  const slow = { turnMs: 90, attacked: { ...attacked, p99Ms: 90 } };
  expect(missedBars(figures(slow))).toHaveLength(2);
  expect(missedBars(figures({ ...slow, idleTurnMs: 60 }))).toEqual([]);
});

test('memory, reviews without an answer, Pods sent elsewhere and leaks are told', () => {
  const worst = figures({
    attacked: { ...attacked, failed: 2, patched: 3 },
    grownBytes: 101 * megabyte,
    leaks: ['a password was sent'],
  });
  expect(missedBars(worst)).toEqual([
    'a password was sent',
    '2 reviews of others were not answered',
    '3 Pods of others were sent elsewhere',
    'grown by more than 100 MB',
  ]);
  expect(attackCells(worst).at(-1)).toMatch(/^FAIL: a password was sent; /);
});
