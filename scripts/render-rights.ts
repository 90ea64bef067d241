import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeholders, renderRights } from '#test/support/api-server/rendered-rights.ts';

/** Writes the chart's rights as Helm renders them by default; with `--check` it only compares. */
async function main(): Promise<number> {
  const file = join(import.meta.dirname, '../test/support/api-server/shipped-rights.yaml');
  const text = `# Made from chart/ by scripts/render-rights.ts.\n${await renderRights(placeholders)}`;
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
    return 0;
  }
  if (readFileSync(file, 'utf8') === text) return 0;
  console.log('Expected what `node scripts/render-rights.ts` writes: run it and commit.');
  return 1;
}

process.exitCode = await main();
