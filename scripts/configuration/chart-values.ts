import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';

/** One value of the chart, or a section of them, as chart/values.yaml says it. */
export interface ChartValue {
  readonly name: string;
  /** Its comment, in one line; a section may have none. */
  readonly description: string;
  readonly default: unknown;
  /** The values of a section; undefined where it is one value, whatever that holds. */
  readonly values?: readonly ChartValue[];
}

/** Reads what chart/values.yaml says of each value; throws where one has no description. */
export function readChartValues(): readonly ChartValue[] {
  const path = join(import.meta.dirname, '..', '..', 'chart', 'values.yaml');
  const { contents } = parseDocument(readFileSync(path, 'utf8'));
  if (!isMap(contents)) throw new Error(`Expected ${path} to be a mapping.`);
  return readSection(contents, '');
}

function readSection(section: YAMLMap, path: string): readonly ChartValue[] {
  return section.items.map((pair) => readValue(pair, section, path));
}

function readValue(pair: Pair, section: YAMLMap, path: string): ChartValue {
  const name = String(isScalar(pair.key) ? pair.key.value : pair.key);
  const here = path === '' ? name : `${path}.${name}`;
  const description = commentOf(pair, section);
  const given = (pair.value as { readonly toJSON: () => unknown } | null)?.toJSON();
  if (isMap(pair.value) && isSection(pair.value)) {
    return { name, description, default: given, values: readSection(pair.value, here) };
  }
  if (description === '') throw new Error(`Expected a comment at ${here}.`);
  return { name, description, default: given };
}

/** One in which a value, or a value of a section in it, is described. */
function isSection(map: YAMLMap): boolean {
  return map.items.some(
    (pair) => commentOf(pair, map) !== '' || (isMap(pair.value) && isSection(pair.value)),
  );
}

/** The last paragraph: what comes before is about the file. The first comment is kept with its map. */
function commentOf(pair: Pair, section: YAMLMap): string {
  const own = isScalar(pair.key) ? pair.key.commentBefore : undefined;
  const text = own ?? (pair === section.items[0] ? section.commentBefore : undefined) ?? '';
  const paragraph = text.split(/\n\s*\n/).at(-1) ?? '';
  return paragraph.replaceAll(/\s+/g, ' ').trim();
}
