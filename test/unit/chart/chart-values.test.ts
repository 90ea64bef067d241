import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type ChartValue, readChartValues } from '#scripts/configuration/chart-values.ts';

const folder = join(import.meta.dirname, '../../../chart/templates');
const templates = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));

/** Every value that a template reads, variables that stand for a section written out. */
function usedValues(template: string): readonly string[] {
  // `((.Values.a).b)` reads what `.Values.a.b` does, and minds no section that is missing.
  const plain = template.replaceAll(/\(+(\.Values[\w.]*)\)/g, '$1').replaceAll(')', '');
  const sections = [...plain.matchAll(/\$(\w+) := \(*\.Values\.([\w.]+)/g)];
  const written = sections.reduce(
    (text, [, name, path]) => text.replaceAll(`$${name}.`, `.Values.${path}.`),
    plain,
  );
  return [...written.matchAll(/\.Values\.([\w.]+)/g)].map(([, path = '']) => path);
}

function listPaths(values: readonly ChartValue[], path = ''): readonly string[] {
  return values.flatMap((value) =>
    value.values === undefined
      ? [`${path}${value.name}`]
      : listPaths(value.values, `${path}${value.name}.`),
  );
}

const used = [...new Set(templates.flatMap(usedValues))];
const stated = listPaths(readChartValues());
const isWithin = (inner: string, outer: string) => `${inner}.`.startsWith(`${outer}.`);

test('each value is read by a template', () => {
  const unread = stated.filter((path) => !used.some((one) => isWithin(path, one)));
  expect(unread).toEqual([]);
});

test('each value that a template reads is in values.yaml, with its description', () => {
  const unknown = used.filter(
    (path) => !stated.some((one) => isWithin(path, one) || isWithin(one, path)),
  );
  expect(unknown).toEqual([]);
});
