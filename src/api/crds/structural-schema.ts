import type { CelRule } from '#api/cel.ts';

/** A structural schema, as far as kuik writes one: what the API server accepts in a CRD. */
export interface StructuralSchema {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  /** On every field but `metadata`, where the API server refuses one. */
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly items?: StructuralSchema;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly 'x-kubernetes-list-type'?: 'atomic';
  readonly 'x-kubernetes-validations'?: readonly CelRule[];
}

const types: readonly unknown[] = ['object', 'array', 'string', 'integer', 'boolean'];

/**
 * Keywords that mean the same in JSON Schema and in a CRD, in the order they are written. An
 * allow-list: the API server refuses others (`anyOf` with types, `additionalProperties: false`, a
 * numeric `exclusiveMinimum`) or, worse, ignores them.
 */
const plainKeywords: readonly (keyof StructuralSchema)[] = [
  'type',
  'description',
  'default',
  'enum',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'maxItems',
  'required',
  'x-kubernetes-list-type',
  'x-kubernetes-validations',
];

/**
 * Turns a typebox schema into a structural one. Throws, naming `path`, on a keyword that is not
 * on the list, on a type that is none, and on a field without a description: bugs in our schemas.
 */
export function structuralSchema(schema: unknown, path: string): StructuralSchema {
  const source = asObject(schema, path);
  for (const keyword of Object.keys(source)) checkKeyword(keyword, path);
  if (!types.includes(source['type'])) {
    throw new Error(`${path}: expected a type of ${types.join(', ')}, got ${source['type']}`);
  }
  if (typeof source['description'] !== 'string' || source['description'] === '') {
    throw new Error(`${path}: expected a description, got none`);
  }
  const result: Record<string, unknown> = {};
  for (const keyword of plainKeywords) {
    if (source[keyword] !== undefined) result[keyword] = source[keyword];
  }
  if (source['items'] !== undefined) {
    result['items'] = structuralSchema(source['items'], `${path}[]`);
  }
  if (source['properties'] !== undefined) {
    result['properties'] = structuralProperties(source['properties'], path);
  }
  return result as unknown as StructuralSchema;
}

function checkKeyword(keyword: string, path: string): void {
  const known: readonly string[] = [...plainKeywords, 'items', 'properties'];
  if (!known.includes(keyword)) {
    throw new Error(`${path}: expected a keyword of ${known.join(', ')}, got ${keyword}`);
  }
}

function structuralProperties(
  properties: unknown,
  path: string,
): Readonly<Record<string, StructuralSchema>> {
  const entries = Object.entries(asObject(properties, path));
  return Object.fromEntries(
    entries.map(([name, schema]) => [name, structuralSchema(schema, `${path}.${name}`)]),
  );
}

function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${path}: expected a schema object, got ${JSON.stringify(value)}`);
  }
  return value as Readonly<Record<string, unknown>>;
}
