import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLinePage } from './command-line/page.ts';

/** Writes docs/command-line.md from the program's own help; with `--check` it only compares. */
function main(): number {
  const path = join(import.meta.dirname, '..', 'docs', 'command-line.md');
  if (!process.argv.includes('--check')) {
    writeFileSync(path, commandLinePage());
    return 0;
  }
  if (readFileSync(path, 'utf8') === commandLinePage()) return 0;
  console.log('Expected what `node scripts/generate-command-line.ts` writes: run it and commit.');
  return 1;
}

process.exitCode = main();
