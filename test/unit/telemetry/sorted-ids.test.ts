import { describe, expect, test } from 'vitest';
import { blockIdsMax, SortedIds } from '#telemetry/sorted-ids.ts';

function made(ids: Iterable<string>): SortedIds {
  const sorted = new SortedIds();
  for (const id of ids) sorted.add(id);
  return sorted;
}

const all = (ids: SortedIds) => [...ids.from('')];
const numbered = (count: number) =>
  Array.from({ length: count }, (_, index) => `tracked-image:${(index * 7_919) % count}`);

describe('sorted ids', () => {
  test('are in the order of their code units, whatever the order they came in', () => {
    const ids = ['b', 'a:1', 'a', 'a:', 'Z', 'é', '𝒳', '﹏', ''];
    expect(all(made(ids))).toEqual([...ids].sort());
  });

  test('are each there once, and gone once removed', () => {
    const ids = made(['b', 'a', 'b']);
    ids.delete('none');
    expect([all(ids), ids.size]).toEqual([['a', 'b'], 2]);
    ids.delete('a');
    ids.delete('a');
    expect([all(ids), ids.size]).toEqual([['b'], 1]);
    ids.delete('b');
    expect([all(ids), ids.size, ids.rank('b')]).toEqual([[], 0, 0]);
  });

  test('are right across many blocks, growing and shrinking', () => {
    const ids = numbered(blockIdsMax * 9);
    const sorted = made(ids);
    expect(all(sorted)).toEqual(ids.toSorted());
    const kept = ids.filter((_, index) => index % 10 === 0);
    for (const id of ids) if (!kept.includes(id)) sorted.delete(id);
    expect(all(sorted)).toEqual(kept.toSorted());
    expect(sorted.size).toBe(kept.length);
  });

  test('know how many stand before one, be it there or not', () => {
    const ids = numbered(2_000);
    const sorted = made(ids);
    const plain = ids.toSorted();
    for (const id of ['', 'tracked-image:5', 'tracked-image:55x', 'zzz', plain[700] ?? '']) {
      expect(sorted.rank(id)).toBe(plain.filter((one) => one < id).length);
      expect(sorted.at(sorted.rank(id))).toBe(plain.find((one) => one >= id));
    }
  });

  test('that come and go while they are read neither end the reading nor come twice', () => {
    const sorted = made(numbered(blockIdsMax * 3));
    const before = all(sorted);
    const read: string[] = [];
    for (const id of sorted.from('')) {
      read.push(id);
      sorted.delete(id);
      sorted.add(`before:${read.length}`);
    }
    expect(read).toEqual(before);
  });

  test('cost little each, a hundred thousand of them', () => {
    const ids = numbered(100_000);
    const sortMs = timed(() => void ids.toSorted());
    const sorted = new SortedIds();
    const changeMs = timed(() => {
      for (const id of ids) sorted.add(id);
      for (const id of ids) sorted.delete(id);
    });
    // As much as sorting them once or twice; each insertion into one array would move half of it.
    expect(changeMs / sortMs).toBeLessThan(20);
    expect(sorted.size).toBe(0);
  });
});

function timed(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}
