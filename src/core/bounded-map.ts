/** A map that remembers at most `entriesMax` entries and forgets the one not used for longest. */
export interface BoundedMap<K, V> {
  readonly get: (key: K) => V | undefined;
  readonly set: (key: K, value: V) => void;
  readonly delete: (key: K) => void;
  readonly values: () => readonly V[];
}

/**
 * Makes a bounded memory. The names of registries and repositories come from whoever writes a Pod,
 * so nothing here may grow with them. `forget` is told of what was pushed out.
 */
export function createBoundedMap<K, V>(
  entriesMax: number,
  forget: (value: V) => void = () => undefined,
): BoundedMap<K, V> {
  // A Map keeps the order of insertion: what is read or written moves to the end.
  const entries = new Map<K, V>();
  const use = (key: K, value: V): void => {
    entries.delete(key);
    entries.set(key, value);
  };
  return {
    get: (key) => {
      const value = entries.get(key);
      if (value !== undefined) use(key, value);
      return value;
    },
    set: (key, value) => {
      use(key, value);
      const oldest = entries.size > entriesMax ? entries.entries().next().value : undefined;
      if (oldest === undefined) return;
      entries.delete(oldest[0]);
      forget(oldest[1]);
    },
    delete: (key) => void entries.delete(key),
    values: () => [...entries.values()],
  };
}
