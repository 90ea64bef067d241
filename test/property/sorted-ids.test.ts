import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SortedIds } from '#telemetry/sorted-ids.ts';

/** Few letters and short words, so that the same ids come and go again. */
const id = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', ':', 'Z', 'é'), maxLength: 3 }),
  fc.integer({ min: 0, max: 3_000 }).map((number) => `tracked-image:${number}`),
);
const change = fc.record({ adds: fc.boolean(), id });

test('ids that come and go are what plain sorting makes of them', () => {
  fc.assert(
    fc.property(
      fc.array(id, { maxLength: 3_000, size: 'max' }),
      fc.array(change, { maxLength: 3_000, size: 'max' }),
      fc.array(id, { minLength: 1, maxLength: 5 }),
      (first, changes, places) => {
        const sorted = new SortedIds();
        const plain = new Set(first);
        for (const one of first) sorted.add(one);
        for (const one of changes) {
          if (one.adds) {
            sorted.add(one.id);
            plain.add(one.id);
          } else {
            sorted.delete(one.id);
            plain.delete(one.id);
          }
        }
        const expected = [...plain].sort();
        expect(sorted.size).toBe(expected.length);
        for (const rank of [0, expected.length - 1, expected.length, expected.length >> 1]) {
          expect(sorted.at(rank)).toBe(expected[rank]);
        }
        for (const place of ['', ...places]) {
          expect([...sorted.from(place)]).toEqual(expected.filter((one) => one >= place));
          expect(sorted.rank(place)).toBe(expected.filter((one) => one < place).length);
        }
      },
    ),
    { numRuns: 40 },
  );
});
