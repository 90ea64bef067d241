import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartPage } from './configuration/chart-page.ts';
import { configurationPage } from './configuration/page.ts';
import { valuesSchema } from './configuration/values-schema.ts';

/** Writes what follows from src/config and chart/values.yaml; with `--check` it only compares. */
function main(): number {
  const checking = process.argv.includes('--check');
  const root = join(import.meta.dirname, '..');
  const generated = new Map([
    ['docs/configuration.md', configurationPage()],
    ['docs/chart.md', chartPage()],
    ['chart/values.schema.json', `${JSON.stringify(valuesSchema(), null, 2)}\n`],
  ]);
  const stale = [...generated].filter(([path, text]) => read(join(root, path)) !== text);
  for (const [path, text] of stale) {
    if (!checking) writeFileSync(join(root, path), text);
    console.log(`${checking ? 'differs from its source' : 'written'}: ${path}`);
  }
  if (!checking || stale.length === 0) return 0;
  console.log('Expected what `node scripts/generate-config-docs.ts` writes: run it and commit.');
  return 1;
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

process.exitCode = main();
