import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNamePicker } from '#core/monitoring/first-by-name.ts';

const named = (image: string) => ({ image });

test('the first by name are those that sorting all would put first', () => {
  const given = fc.record({
    names: fc.array(fc.string(), { maxLength: 200 }),
    count: fc.nat(60),
    spare: fc.nat(20),
  });
  fc.assert(
    fc.property(given, ({ names, count, spare }) => {
      const picker = createNamePicker<{ readonly image: string }>(count + spare);
      for (const name of names) picker.add(named(name));
      const { first, rest } = picker.pick(count);
      const sorted = names.toSorted((left, right) => (left < right ? -1 : Number(left > right)));
      expect(first.map(({ image }) => image)).toEqual(sorted.slice(0, count));
      expect(rest.map(({ image }) => image).toSorted()).toEqual(sorted.slice(count).toSorted());
    }),
  );
});
