import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allMachines } from '#machines/all-machines.ts';
import { renderMachineDrawing } from './machine-drawing.ts';
import { renderMachinePage } from './machine-page.ts';

/**
 * Writes docs/machines/*.md and src/http/page/machines/*.svg from the machines, and removes those of
 * a machine that is gone; with --check only says which are out of date.
 */
const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');
keep(
  join(root, 'docs', 'machines'),
  allMachines.map((one) => [`${one.id}.md`, renderMachinePage(one)]),
);
keep(
  join(root, 'src', 'http', 'page', 'machines'),
  allMachines.map((one) => [`${one.id}.svg`, renderMachineDrawing(one)]),
);

function keep(directory: string, files: readonly (readonly [name: string, text: string])[]): void {
  mkdirSync(directory, { recursive: true });
  const wanted = new Map(files);
  const present = readdirSync(directory);
  for (const name of new Set([...wanted.keys(), ...present])) {
    const path = join(directory, name);
    const text = wanted.get(name);
    if (present.includes(name) && readFileSync(path, 'utf8') === text) continue;
    if (check) {
      console.log(`out of date: ${path}`);
      process.exitCode = 1;
    } else if (text === undefined) {
      rmSync(path);
      console.log(`removed: ${path}`);
    } else {
      writeFileSync(path, text);
      console.log(`written: ${path}`);
    }
  }
}
