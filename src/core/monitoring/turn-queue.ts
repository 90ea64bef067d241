import { Heap, type HeapEntry } from '#core/heap.ts';

/** Keys in the order of a time: earliest first, equal times in the order of their coming. */
export class TurnQueue {
  readonly #heap = new Heap<string>();
  readonly #entries = new Map<string, HeapEntry<string>>();

  get size(): number {
    return this.#heap.size;
  }

  readonly has = (key: string): boolean => this.#entries.has(key);

  /** Puts a key in its place; one that is there moves, behind those of the same time. */
  readonly put = (key: string, atMs: number): void => {
    this.remove(key);
    this.#entries.set(key, this.#heap.put(key, atMs));
  };

  readonly remove = (key: string): void => {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#heap.remove(entry);
  };

  readonly takeFirst = (): string | undefined => {
    const key = this.#heap.first?.value;
    if (key !== undefined) this.remove(key);
    return key;
  };
}
