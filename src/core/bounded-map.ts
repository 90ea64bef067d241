/**
 * A map that remembers at most `entriesMax` entries and forgets the one not used for longest. The
 * names of registries and repositories come from whoever writes a Pod, so nothing may grow with them.
 */
export class BoundedMap<K, V> {
  /** Keeps the order of insertion: what is read or written moves to the end. */
  readonly #entries = new Map<K, V>();
  readonly #entriesMax: number;
  readonly #onForget: ((value: V) => void) | undefined;

  /** `onForget` is told of what was pushed out. */
  constructor(entriesMax: number, onForget?: (value: V) => void) {
    this.#entriesMax = entriesMax;
    this.#onForget = onForget;
  }

  readonly get = (key: K): V | undefined => {
    const value = this.#entries.get(key);
    if (value !== undefined) this.#use(key, value);
    return value;
  };

  readonly set = (key: K, value: V): void => {
    this.#use(key, value);
    if (this.#entries.size <= this.#entriesMax) return;
    for (const [oldest, forgotten] of this.#entries) {
      this.#entries.delete(oldest);
      this.#onForget?.(forgotten);
      return;
    }
  };

  readonly delete = (key: K): void => void this.#entries.delete(key);

  readonly clear = (): void => this.#entries.clear();

  readonly values = (): readonly V[] => [...this.#entries.values()];

  #use(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
  }
}

/** Longer keys are computed anew each time: a memory must not become a store of what people send. */
const keyCharactersMax = 1024;

/**
 * Remembers what a pure function said, for the `entriesMax` keys used last. `detail` is what it
 * computes from, where that is more than the key; the same key has the same.
 */
export function memoize<Value extends object | boolean | null, Detail = void>(
  entriesMax: number,
  compute: (key: string, detail: Detail) => Value,
): (key: string, detail: Detail) => Value {
  const known = new BoundedMap<string, Value>(entriesMax);
  return (key, detail) => {
    if (key.length > keyCharactersMax) return compute(key, detail);
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered;
    const value = compute(key, detail);
    known.set(key, value);
    return value;
  };
}
