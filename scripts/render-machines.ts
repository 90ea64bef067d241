import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allMachines } from '#machines/all-machines.ts';
import { renderMachinePage } from './machine-page.ts';

/**
 * Writes docs/machines/*.md from the machines, and removes the page of a machine that is gone; with
 * --check only says which are out of date.
 */
const directory = join(import.meta.dirname, '..', 'docs', 'machines');
const check = process.argv.includes('--check');
mkdirSync(directory, { recursive: true });
const pages = new Map(allMachines.map((one) => [`${one.id}.md`, renderMachinePage(one)]));
const present = readdirSync(directory);
for (const name of new Set([...pages.keys(), ...present])) {
  const path = join(directory, name);
  const page = pages.get(name);
  if (present.includes(name) && readFileSync(path, 'utf8') === page) continue;
  if (check) {
    console.log(`out of date: ${path}`);
    process.exitCode = 1;
  } else if (page === undefined) {
    rmSync(path);
    console.log(`removed: ${path}`);
  } else {
    writeFileSync(path, page);
    console.log(`written: ${path}`);
  }
}
