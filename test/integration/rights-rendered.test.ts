import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { placeholders, renderRights } from '#test/support/api-server/rendered-rights.ts';

test('what all other tests and the demo run with is what Helm renders', async () => {
  const file = join(import.meta.dirname, '../support/api-server/shipped-rights.yaml');
  const [, ...lines] = readFileSync(file, 'utf8').split('\n');
  expect(lines.join('\n')).toBe(await renderRights(placeholders));
});
