import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { customResourceDefinitions } from '#api/crds/definitions.ts';
import { referencePage } from '#scripts/crds/reference-page.ts';

const root = join(import.meta.dirname, '..', '..');

function yamlFiles(): readonly string[] {
  return readdirSync(join(root, 'crds')).filter((file) => file.endsWith('.yaml'));
}

test('crds/ holds what src/api says, one file a kind', () => {
  const files = yamlFiles().map((file) => parse(readFileSync(join(root, 'crds', file), 'utf8')));
  const byName = new Map(files.map((file) => [file.metadata.name, file]));
  expect(files).toHaveLength(5);
  for (const definition of customResourceDefinitions()) {
    expect(byName.get(definition.metadata.name)).toEqual(definition);
  }
});

test('docs/reference.md is what src/api says', () => {
  expect(readFileSync(join(root, 'docs', 'reference.md'), 'utf8')).toBe(referencePage());
});

test('the generator would write nothing', () => {
  const script = join(root, 'scripts', 'generate-crds.ts');
  expect(execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' })).toBe('');
});
