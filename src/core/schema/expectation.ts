import type { SchemaNode } from './schema-node.ts';

/** Completes "expected …" for a schema: its own words, else what its keywords say. */
export function describeExpectation(schema: SchemaNode): string {
  if (schema.expected !== undefined) return schema.expected;
  if (schema.enum !== undefined) return joinWithOr(schema.enum.map(String));
  switch (schema.type) {
    case 'object':
      return describeMapping(schema);
    case 'array':
      return describeList(schema);
    case 'boolean':
      return 'true or false';
    case 'integer':
      return `a whole number${describeRange(schema)}`;
    case 'number':
      return `a number${describeRange(schema)}`;
    default:
      return describeText(schema);
  }
}

function describeText({ minLength = 0, maxLength }: SchemaNode): string {
  if (minLength > 0) return 'a text that is not empty';
  return maxLength === undefined ? 'a text' : `a text of at most ${maxLength} characters`;
}

function describeMapping({ properties }: SchemaNode): string {
  if (properties === undefined) return 'a mapping';
  return `a mapping with keys of ${Object.keys(properties).join(', ')}`;
}

function describeList({ items, minItems = 0, maxItems }: SchemaNode): string {
  const bounds = [
    ...(minItems > 0 ? [`at least ${minItems}`] : []),
    ...(maxItems === undefined ? [] : [`at most ${maxItems}`]),
  ];
  const item = items === undefined ? '' : `, each ${describeExpectation(items)}`;
  return `a list of ${bounds.join(' and ')} items${item}`;
}

function describeRange({ minimum, maximum, exclusiveMinimum }: SchemaNode): string {
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`;
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`;
  return minimum === undefined ? '' : ` from ${minimum} up`;
}

function joinWithOr(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
