import { Listeners } from '#core/listeners.ts';

/** One change of a store, after it happened. */
export type StoreChange<T> =
  | { readonly kind: 'added' | 'updated'; readonly key: string; readonly value: T }
  | { readonly kind: 'deleted'; readonly key: string; readonly value: T };

/** The slim values of one watched resource, as last heard from the API server. */
export interface Store<T> {
  readonly get: (key: string) => T | undefined;
  readonly values: () => Iterable<T>;
  readonly size: () => number;
  /** Whether a whole list has been read since the start. */
  readonly isSynced: () => boolean;
  /** Resolves with the first whole list. */
  readonly synced: Promise<void>;
  /** Called after each change; returns how to stop that. The listener must not throw. */
  readonly subscribe: (listener: (change: StoreChange<T>) => void) => () => void;
}

/** The side of a store that its reflector writes to. */
export type StoreWriter<T> = ReturnType<typeof createStore<T>>;

/** Makes an empty store. */
export function createStore<T>() {
  const entries = new Map<string, T>();
  const { subscribe, tell } = new Listeners<[change: StoreChange<T>]>();
  const { promise: synced, resolve } = Promise.withResolvers<void>();
  let isSynced = false;
  const remove = (key: string) => {
    const value = entries.get(key);
    if (value === undefined) return;
    entries.delete(key);
    tell({ kind: 'deleted', key, value });
  };
  return {
    get: (key: string) => entries.get(key),
    values: (): Iterable<T> => entries.values(),
    size: () => entries.size,
    isSynced: () => isSynced,
    synced,
    subscribe,
    put: (key: string, value: T) => {
      const kind = entries.has(key) ? 'updated' : 'added';
      entries.set(key, value);
      tell({ kind, key, value });
    },
    remove,
    /** A list was read to its end: what it did not name is gone. */
    finishList: (listed: ReadonlySet<string>) => {
      for (const key of [...entries.keys()]) if (!listed.has(key)) remove(key);
      isSynced = true;
      resolve();
    },
  };
}
