import { type KuikKind, type KuikResource, kinds } from '#api/kinds.ts';
import { objectSchemas } from '#api/object-schemas.ts';
import { checkValue, keepTyped } from './schema/check.ts';
import type { SchemaNode } from './schema/schema-node.ts';

/**
 * A resource as the API server has it, which may have been stored before the schema refused what it
 * says: the answer is of the type that it claims to be, and has with it what the schema finds wrong in
 * the spec. So no reader of a resource meets what it does not expect.
 */
export function readStoredResource(
  kind: KuikKind,
  object: Readonly<Record<string, unknown>>,
): KuikResource {
  const { spec, status } = schemas.get(kind) ?? {};
  const problems = checkValue(spec ?? {}, object['spec'] ?? {}, ['spec']);
  const faults = problems.map(({ path, expected, found }) => ({
    field: path,
    message: `expected ${expected}, got ${found}`,
  }));
  return {
    ...object,
    kind,
    spec: keepTyped(spec ?? {}, object['spec']) ?? {},
    status: keepTyped(status ?? {}, object['status']) ?? {},
    ...(faults.length > 0 && { faults }),
  } as unknown as KuikResource;
}

const schemas = new Map<string, { readonly spec: SchemaNode; readonly status: SchemaNode }>(
  kinds.map((info) => [
    info.kind,
    objectSchemas(info) as unknown as { readonly spec: SchemaNode; readonly status: SchemaNode },
  ]),
);
