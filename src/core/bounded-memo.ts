/** Remembers what a pure function said, for a bounded number of keys. */
export interface BoundedMemo<Value> {
  readonly get: (key: string) => Value;
}

/** Longer keys are computed anew each time: a memo must not become a store of what people send. */
const KEY_CHARACTERS_MAX = 1024;

/**
 * Makes a memo of `compute`, which must say the same of the same key each time. At most twice
 * `sizeMax` keys are held: of two generations, the older is dropped when the younger is full, which
 * costs nothing where forgetting one key at a time would scan.
 */
export function boundedMemo<Value extends object | boolean | null>(
  sizeMax: number,
  compute: (key: string) => Value,
): BoundedMemo<Value> {
  let younger = new Map<string, Value>();
  let older = new Map<string, Value>();
  const remember = (key: string, value: Value): Value => {
    if (younger.size >= sizeMax) {
      older = younger;
      younger = new Map();
    }
    younger.set(key, value);
    return value;
  };
  return {
    get: (key) => {
      const held = younger.get(key);
      if (held !== undefined) return held;
      if (key.length > KEY_CHARACTERS_MAX) return compute(key);
      return remember(key, older.get(key) ?? compute(key));
    },
  };
}
