import fc from 'fast-check';
import { expect, test } from 'vitest';
import { firstByName } from '#core/monitoring/first-by-name.ts';

const named = (image: string) => ({ image });

test('the first by name are those that sorting all would put first', () => {
  const given = fc.record({ names: fc.array(fc.string(), { maxLength: 200 }), count: fc.nat(60) });
  fc.assert(
    fc.property(given, ({ names, count }) => {
      const { first, rest } = firstByName(names.map(named), count);
      const sorted = names.toSorted((left, right) => (left < right ? -1 : Number(left > right)));
      expect(first.map(({ image }) => image)).toEqual(sorted.slice(0, count));
      expect(rest.map(({ image }) => image).toSorted()).toEqual(sorted.slice(count).toSorted());
    }),
  );
});
