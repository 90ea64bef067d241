import { apiVersion, type KindInfo, kinds } from '#api/kinds.ts';
import { objectSchemas } from '#api/object-schemas.ts';
import { isObject, type JsonObject } from '#core/json.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { checkValue } from '#core/schema/check.ts';
import type { SchemaNode } from '#core/schema/schema-node.ts';

/** The resources of a file with their namespaces, or all that is wrong with them, a line each. */
export function checkResources(
  objects: readonly unknown[],
  namespace: string,
): Result<readonly object[], readonly string[]> {
  // `---` at the end makes an empty document; a List holds what it lists.
  const listed = objects.flatMap((object) =>
    isObject(object) && Array.isArray(object['items']) ? object['items'] : [object],
  );
  const resources = listed.filter((object) => object !== null && object !== undefined);
  if (resources.length === 0) return fail(['expected a resource, found none']);
  const problems = resources.flatMap(problemsOf);
  if (problems.length > 0) return fail(problems);
  return succeed((resources as readonly JsonObject[]).map((one) => placed(one, namespace)));
}

function problemsOf(object: unknown, index: number): readonly string[] {
  const info = kinds.find(({ kind }) => isObject(object) && object['kind'] === kind);
  if (!isObject(object) || info === undefined) {
    const names = kinds.map(({ kind }) => kind).join(', ');
    const found = isObject(object) ? JSON.stringify(object['kind']) : 'no object';
    return [`document ${index + 1}: kind: expected one of ${names}, found ${found}`];
  }
  const metadata = isObject(object['metadata']) ? object['metadata'] : {};
  const name = typeof metadata['name'] === 'string' ? metadata['name'] : '';
  const title = `${info.kind} ${name || `(document ${index + 1})`}`;
  return [
    ...(object['apiVersion'] === apiVersion
      ? []
      : [`apiVersion: expected ${apiVersion}, found ${JSON.stringify(object['apiVersion'])}`]),
    ...(name === '' ? ['metadata.name: expected a name, found none'] : []),
    ...specProblems(info, object['spec'] ?? {}),
  ].map((problem) => `${title}: ${problem}`);
}

/** What the API server would refuse, and what it would drop without a word. */
function specProblems(info: KindInfo, spec: unknown): readonly string[] {
  const schema = closed(objectSchemas(info).spec as unknown as SchemaNode);
  return checkValue(schema, spec, ['spec']).map(
    ({ path, expected, found }) => `${path}: expected ${expected}, found ${found}`,
  );
}

/** The same schema, with no other keys than those that it names. */
function closed(schema: SchemaNode): SchemaNode {
  const { properties, items, anyOf } = schema;
  const inner = Object.entries(properties ?? {}).map(([key, node]) => [key, closed(node)]);
  const isOpen = properties !== undefined && schema.additionalProperties === undefined;
  return {
    ...schema,
    ...(properties !== undefined && { properties: Object.fromEntries(inner) }),
    ...(isOpen && { additionalProperties: false }),
    ...(items !== undefined && { items: closed(items) }),
    ...(anyOf !== undefined && { anyOf: anyOf.map(closed) }),
  };
}

function placed(object: JsonObject, namespace: string): object {
  const { kind, metadata, spec } = object;
  const { name, namespace: own = namespace } = metadata as JsonObject;
  const isClustered = kinds.find((info) => info.kind === kind)?.scope === 'Cluster';
  const place = isClustered ? { name } : { name, namespace: own };
  return { apiVersion, kind, metadata: place, spec };
}
