/** A structural schema, as far as two of them are compared. */
export interface StructuralSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly items?: StructuralSchema;
}

/**
 * Paths of the fields that `own` has and `served` lacks, outermost first: what an API server with
 * an older CRD drops from every object without a word (behaviour §8). A missing field hides its
 * own children, so that one old CRD is not told a hundred times.
 */
export function missingFields(
  own: StructuralSchema,
  served: StructuralSchema | undefined,
  path = '',
): readonly string[] {
  if (served === undefined) return [path === '' ? '(the whole schema)' : path];
  const missing: string[] = [];
  for (const [name, schema] of Object.entries(own.properties ?? {})) {
    const at = path === '' ? name : `${path}.${name}`;
    missing.push(...missingFields(schema, served.properties?.[name], at));
  }
  if (own.items !== undefined) {
    missing.push(...missingFields(own.items, served.items, `${path}[]`));
  }
  return missing;
}
