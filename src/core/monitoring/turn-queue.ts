import { FairQueue } from '#core/fair-queue.ts';
import { Heap, type HeapEntry } from '#core/heap.ts';

/**
 * Images in the order of their checks: those never checked before all, their namespaces in turn; then
 * the longest unchecked, equal times in the order of their coming.
 */
export class TurnQueue {
  readonly #unchecked = new FairQueue<string>();
  readonly #checked = new Heap<string>();
  /** Where each is: its namespace, or its place by time. */
  readonly #places = new Map<string, string | HeapEntry<string>>();

  get size(): number {
    return this.#places.size;
  }

  readonly has = (key: string): boolean => this.#places.has(key);

  /** Puts an image in its place; one that is there moves, behind those of the same time. */
  readonly put = (key: string, checkedMs: number | undefined, namespace = ''): void => {
    this.remove(key);
    if (checkedMs === undefined) this.#unchecked.put(namespace, key);
    this.#places.set(key, checkedMs === undefined ? namespace : this.#checked.put(key, checkedMs));
  };

  readonly remove = (key: string): void => {
    const place = this.#places.get(key);
    this.#places.delete(key);
    if (typeof place === 'string') this.#unchecked.remove(place, key);
    else if (place !== undefined) this.#checked.remove(place);
  };

  readonly takeFirst = (): string | undefined => {
    const key = this.#unchecked.takeFirst() ?? this.#checked.first?.value;
    if (key !== undefined) this.remove(key);
    return key;
  };
}
