import { isObject, readOwn } from '#core/json.ts';
import type { SchemaNode } from '#core/schema/schema-node.ts';

/**
 * A value with every default filled in that its schema has; the value itself is not changed. A key
 * without a value counts as left out; a list replaces the default's.
 */
export function completeValue(schema: SchemaNode, value: unknown): unknown {
  const given = value ?? structuredClone(schema.default);
  if (!isObject(given) || schema.type !== 'object') return given;
  return Object.fromEntries([...completeKnown(schema, given), ...completeOthers(schema, given)]);
}

type Entries = readonly (readonly [string, unknown])[];

function completeKnown(schema: SchemaNode, given: Readonly<Record<string, unknown>>): Entries {
  return Object.entries(schema.properties ?? {})
    .map(([key, child]) => [key, completeValue(child, readOwn(given, key))] as const)
    .filter(([, completed]) => completed !== undefined);
}

/** Values of a mapping whose keys are the user's, such as hosts; `quay.io:` alone is a mapping too. */
function completeOthers(schema: SchemaNode, given: Readonly<Record<string, unknown>>): Entries {
  const { additionalProperties, properties = {} } = schema;
  if (typeof additionalProperties !== 'object') return [];
  return Object.entries(given)
    .filter(([key]) => !Object.hasOwn(properties, key))
    .map(([key, item]) => [key, completeValue(additionalProperties, item ?? {})] as const);
}
