import { isObject, readOwn } from '#core/json.ts';
import { describeExpectation } from './expectation.ts';
import { findFormatFault } from './formats.ts';
import type { SchemaNode } from './schema-node.ts';

/** One thing that is wrong, in words that complete "expected …, found …". */
export interface SchemaProblem {
  /** `monitoring.registries.items["docker.io"].interval`; empty for the file as a whole. */
  readonly path: string;
  readonly expected: string;
  readonly found: string;
}

/** Places in a file or an object: keys and positions from the root. */
export type Path = readonly (string | number)[];

/** A message shows the start of a value: enough to find it. */
const foundCharactersMax = 80;

/**
 * Checks a value against a schema and says everything that is wrong with it. Our own walk, since
 * what typebox says of a union is that nothing matched, and of a refusal never what was found.
 * A key without a value (`timeout:`) counts as left out.
 */
export function checkValue(
  schema: SchemaNode,
  value: unknown,
  path: Path = [],
): readonly SchemaProblem[] {
  if (schema.anyOf !== undefined) return checkUnion(schema, value, path);
  if (!hasType(schema, value)) return [makeProblem(path, describeExpectation(schema), value)];
  if (Array.isArray(value)) return checkList(schema, value, path);
  if (isObject(value)) return checkMapping(schema, value, path);
  return checkScalar(schema, value, path);
}

/** Says what was expected at a path, and shows what is there. */
export function makeProblem(path: Path, expected: string, found: unknown): SchemaProblem {
  return { path: formatPath(path), expected, found: showFound(found) };
}

/** What is there, as JSON, cut to what a line of a message bears. */
function showFound(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length <= foundCharactersMax ? text : `${text.slice(0, foundCharactersMax)}…`;
}

/** A path as a person would write it; keys that are no plain words stand in brackets. */
function formatPath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    if (!/^[A-Za-z_]\w*$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** Of several branches, the problems of the one that was meant, else one that names them all. */
function checkUnion(schema: SchemaNode, value: unknown, path: Path): readonly SchemaProblem[] {
  const outcomes = (schema.anyOf ?? []).map((branch) => ({
    meant: typeof value === 'object' && hasType(branch, value),
    problems: checkValue(branch, value, path),
  }));
  if (outcomes.some(({ problems }) => problems.length === 0)) return [];
  const here = formatPath(path);
  const inside = outcomes
    .filter(({ meant }) => meant)
    .flatMap(({ problems }) => problems)
    .filter((problem) => problem.path !== here);
  return inside.length > 0 ? inside : [makeProblem(path, describeExpectation(schema), value)];
}

function checkList(
  schema: SchemaNode,
  value: readonly unknown[],
  path: Path,
): readonly SchemaProblem[] {
  const { items, minItems = 0, maxItems = Number.POSITIVE_INFINITY } = schema;
  if (value.length < minItems || value.length > maxItems) {
    return [makeProblem(path, describeExpectation(schema), value)];
  }
  if (items === undefined) return [];
  return value.flatMap((item, position) => checkValue(items, item, [...path, position]));
}

function checkMapping(
  schema: SchemaNode,
  value: Readonly<Record<string, unknown>>,
  path: Path,
): readonly SchemaProblem[] {
  const { properties = {}, required = [], maxProperties = Number.POSITIVE_INFINITY } = schema;
  const keys = Object.keys(value);
  if (keys.length > maxProperties) {
    return [makeProblem(path, `at most ${maxProperties} keys`, keys.length)];
  }
  const missing = required
    .filter((key) => properties[key]?.default === undefined)
    .filter((key) => (readOwn(value, key) ?? null) === null)
    .map((key) =>
      makeProblem([...path, key], describeExpectation(properties[key] ?? {}), undefined),
    );
  return [...missing, ...keys.flatMap((key) => checkEntry(schema, [key, value[key]], path))];
}

function checkEntry(
  schema: SchemaNode,
  [key, value]: readonly [string, unknown],
  path: Path,
): readonly SchemaProblem[] {
  const known = readOwn(schema.properties ?? {}, key) as SchemaNode | undefined;
  if (known !== undefined) return value === null ? [] : checkValue(known, value, [...path, key]);
  const { additionalProperties: others, propertyNames } = schema;
  if (others === undefined) return [];
  if (typeof others !== 'object') {
    const names = Object.keys(schema.properties ?? {}).join(', ');
    return [makeProblem([...path, key], `one of the keys ${names}`, key)];
  }
  const named = propertyNames === undefined ? [] : checkScalar(propertyNames, key, [...path, key]);
  return value === null ? named : [...named, ...checkValue(others, value, [...path, key])];
}

function checkScalar(schema: SchemaNode, value: unknown, path: Path): readonly SchemaProblem[] {
  if (!obeys(schema, value)) return [makeProblem(path, describeExpectation(schema), value)];
  if (schema.format === undefined || typeof value !== 'string') return [];
  const fault = findFormatFault(schema.format, value);
  if (fault === undefined) return [];
  const expected = describeExpectation(schema);
  return [makeProblem(path, fault === '' ? expected : `${expected} (${fault})`, value)];
}

function hasType({ type }: SchemaNode, value: unknown): boolean {
  if (type === undefined) return true;
  if (type === 'object') return isObject(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return Number.isFinite(value);
  return typeof value === type;
}

function obeys(schema: SchemaNode, value: unknown): boolean {
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false;
  if (schema.const !== undefined && schema.const !== value) return false;
  if (typeof value === 'number') return isInRange(schema, value);
  return typeof value !== 'string' || isText(schema, value);
}

function isInRange({ minimum, maximum, exclusiveMinimum }: SchemaNode, value: number): boolean {
  return (
    value >= (minimum ?? value) &&
    value <= (maximum ?? value) &&
    (exclusiveMinimum === undefined || value > exclusiveMinimum)
  );
}

function isText({ minLength = 0, maxLength, pattern }: SchemaNode, value: string): boolean {
  // Code points, as the API server counts them; most texts are far from any limit.
  const length = value.length <= (maxLength ?? value.length) ? value.length : [...value].length;
  const fits = length >= minLength && length <= (maxLength ?? length);
  return fits && (pattern === undefined || new RegExp(pattern).test(value));
}

/**
 * The value without what is not of the type that its schema says, so that whoever reads it may
 * believe the static types: of a list the item goes, of a mapping the key, and with a required one
 * the mapping. Limits and patterns are not looked at.
 */
export function keepTyped(schema: SchemaNode, value: unknown): unknown {
  if (!hasType(schema, value)) return undefined;
  const { items, properties, required = [] } = schema;
  if (Array.isArray(value) && items !== undefined) {
    return value.map((item) => keepTyped(items, item)).filter((item) => item !== undefined);
  }
  if (!isObject(value) || properties === undefined) return value;
  const kept = Object.entries(properties)
    .map(([key, child]) => [key, keepTyped(child, readOwn(value, key))] as const)
    .filter(([, item]) => item !== undefined);
  const keys = new Set(kept.map(([key]) => key));
  return required.every((key) => keys.has(key)) ? Object.fromEntries(kept) : undefined;
}
