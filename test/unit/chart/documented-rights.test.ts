import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseManifests } from '#test/support/api-server/rendered-rights.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

interface Rule {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** What the chart gives by default, rule by rule. */
const rules = parseManifests(read('test/support/api-server/shipped-rights.yaml')).flatMap(
  ({ rules: given = [] }) => given as readonly Rule[],
);
/** The first cell of each row of a table. */
const cells = read('docs/security.md')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .map((line) => line.split('|')[1] ?? '');

/** As the page calls them: the five kinds stand together, and have their statuses. */
function nameOf(resource: string): string {
  if (resource.endsWith('/status')) return "the five kinds' `/status`";
  return `\`${resource}\``;
}

test('docs/security.md has each rule of the roles, with its verbs', () => {
  expect(rules.length).toBeGreaterThan(10);
  for (const { resources, verbs } of rules) {
    for (const resource of resources) {
      const isOfFive = /^(cluster)?(replicatedimagesets|imageset\w+)$/.test(resource);
      const names = [nameOf(resource), ...(isOfFive ? ['the five kinds '] : [])];
      const row = cells.find(
        (cell) =>
          names.some((name) => cell.includes(name)) &&
          verbs.every((verb) => new RegExp(`\\b${verb}\\b`).test(cell)),
      );
      expect(row, `${resource}: ${verbs.join(', ')}`).toBeDefined();
    }
  }
});

test('each rule in the chart has its reason above it', () => {
  const templates = ['cluster-role', 'role', 'secret-roles'].map((name) =>
    read(`chart/templates/${name}.yaml`),
  );
  for (const text of templates) {
    const lines = text.split('\n');
    const began = lines.flatMap((line, index) => (/^ {2}- apiGroups:/.test(line) ? [index] : []));
    for (const index of began) {
      const above = lines.slice(0, index).findLast((line) => !/^ {4}|^\{\{/.test(line)) ?? '';
      // Two rules for one reason stand together.
      expect(above, lines.slice(index, index + 3).join('\n')).toMatch(/^ {2}(#|- apiGroups:)/);
    }
  }
});
