import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('docs/configuration.md and chart/values.schema.json are what src/config says', () => {
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'generate-config-docs.ts');
  expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).toBe('');
});
