import { expect, test } from 'vitest';
import { BoundedMap } from '#core/bounded-map.ts';

test('a full memory forgets what was not used for longest, and says so', () => {
  const forgotten: number[] = [];
  const map = new BoundedMap<string, number>(2, (value) => forgotten.push(value));
  map.set('a', 1);
  map.set('b', 2);
  map.get('a');
  map.set('c', 3);
  expect(forgotten).toEqual([2]);
  map.set('a', 4);
  map.delete('c');
  map.set('d', 5);
  expect(map.values()).toEqual([4, 5]);
  expect(forgotten).toEqual([2]);
});
