/** Whether YAML's `key: value` was written, rather than a list or a scalar. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Own keys only: a user may write `constructor`, and a registry may be called `constructor:5000`. */
export function readOwn<T>(mapping: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(mapping, key) ? mapping[key] : undefined;
}
