import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createProgram } from '#command/program.ts';
import { commandLinePage } from '#scripts/command-line/page.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');

test('docs/command-line.md has the help of every command, as it is', () => {
  const page = readFileSync(join(docs, 'command-line.md'), 'utf8');
  expect(page, 'run node scripts/generate-command-line.ts').toBe(commandLinePage());
});

test('every command has an example in its help, in 80 columns', () => {
  const page = commandLinePage();
  const of = (name: string) => page.split(`### kuik ${name}\n`)[1]?.split('\n### ')[0] ?? '';
  for (const { name } of createProgram().commands.map((one) => ({ name: one.name() }))) {
    expect(of(name), name).toMatch(/Examples?:\n {2}\S/);
    expect(
      of(name)
        .split('\n')
        .filter((line) => line.length > 80),
      name,
    ).toEqual([]);
  }
});
