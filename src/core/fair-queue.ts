/**
 * What waits, by who wants it: one of each in turn, and of one the first to come first. Whoever has
 * much in line holds nobody else up.
 */
export class FairQueue<T> {
  /** In the order of their turns; none is empty. */
  readonly #shares = new Map<string, Set<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Puts an item behind the others of its share; one that is there keeps its place. */
  readonly put = (share: string, item: T): void => {
    const items = this.#shares.get(share) ?? new Set<T>();
    if (!items.has(item)) this.#size += 1;
    this.#shares.set(share, items.add(item));
  };

  readonly remove = (share: string, item: T): void => {
    const items = this.#shares.get(share);
    if (items?.delete(item) !== true) return;
    this.#size -= 1;
    if (items.size === 0) this.#shares.delete(share);
  };

  /** The first of whose turn it is, who is last from then on. */
  readonly takeFirst = (): T | undefined => {
    for (const [share, items] of this.#shares) {
      for (const item of items) {
        this.remove(share, item);
        if (this.#shares.delete(share)) this.#shares.set(share, items);
        return item;
      }
    }
    return undefined;
  };

  /** All, share by share. */
  readonly all = (): readonly T[] => [...this.#shares.values()].flatMap((items) => [...items]);

  /** The last to come of whoever has most in line, if that is more than `share` has and one. */
  readonly lastOfMost = (share: string): T | undefined => {
    let most: ReadonlySet<T> = new Set();
    for (const items of this.#shares.values()) if (items.size > most.size) most = items;
    const own = this.#shares.get(share)?.size ?? 0;
    return most.size > own + 1 ? [...most].at(-1) : undefined;
  };
}
