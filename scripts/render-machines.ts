import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderMachinePage } from '#actors/machine-page.ts';
import { allMachines } from '#machines/all-machines.ts';

/** Writes docs/machines/*.md from the machines; with --check only says which are out of date. */
const directory = join(import.meta.dirname, '..', 'docs', 'machines');
const check = process.argv.includes('--check');
mkdirSync(directory, { recursive: true });
for (const machine of allMachines) {
  const path = join(directory, `${machine.id}.md`);
  const page = renderMachinePage(machine);
  if (readPage(path) === page) continue;
  console.log(check ? `out of date: ${path}` : `written: ${path}`);
  if (check) process.exitCode = 1;
  else writeFileSync(path, page);
}

function readPage(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
