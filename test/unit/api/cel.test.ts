import { expect, test } from 'vitest';
import { hasItems } from '#api/cel.ts';

test('whether a filter holds an item is asked step by step, since each may be absent', () => {
  expect(hasItems('self.podFilter.labels')).toBe(
    '(has(self.podFilter) && has(self.podFilter.labels) && ' +
      '((has(self.podFilter.labels.include) && size(self.podFilter.labels.include) > 0) || ' +
      '(has(self.podFilter.labels.exclude) && size(self.podFilter.labels.exclude) > 0)))',
  );
});
