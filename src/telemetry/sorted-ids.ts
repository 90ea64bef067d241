/**
 * A set of ids that stays sorted as it changes, by UTF-16 code units as `sort` without a comparison
 * does. To add or to remove one costs two binary searches and the move of half a block, whatever
 * the number of ids: pages of a hundred thousand are read without sorting anything.
 */
export class SortedIds {
  /** None of them empty; each sorted, and all of them in order. */
  readonly #blocks: string[][] = [];
  #size = 0;
  /** Grows with each change: who is in the middle of reading finds its place again. */
  #version = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds an id; one that is there already stays. */
  add(id: string): void {
    const at = this.#blockOf(id);
    const block = this.#blocks[at];
    if (block === undefined) this.#blocks.push([id]);
    else {
      const index = firstNotBefore(block, id);
      if (block[index] === id) return;
      block.splice(index, 0, id);
      if (block.length > blockIdsMax) this.#split(at, block);
    }
    this.#size += 1;
    this.#version += 1;
  }

  /** Removes an id, if it is there. */
  delete(id: string): void {
    const at = this.#blockOf(id);
    const block = this.#blocks[at];
    if (block === undefined) return;
    const index = firstNotBefore(block, id);
    if (block[index] !== id) return;
    block.splice(index, 1);
    this.#size -= 1;
    this.#version += 1;
    this.#join(at, block);
  }

  /** How many ids stand before this one, be it there or not. */
  rank(id: string): number {
    const at = this.#blockOf(id);
    let before = 0;
    for (let index = 0; index < at; index += 1) before += this.#blocks[index]?.length ?? 0;
    const block = this.#blocks[at];
    return block === undefined ? before : before + firstNotBefore(block, id);
  }

  /** The id before which so many stand. */
  at(rank: number): string | undefined {
    let before = 0;
    for (const block of this.#blocks) {
      if (rank < before + block.length) return block[rank - before];
      before += block.length;
    }
    return undefined;
  }

  /**
   * The ids from `start` on, itself included, in order. What is added or removed meanwhile is seen or
   * passed over as it stands when the reading comes to its place.
   */
  *from(start: string): Generator<string> {
    let version = this.#version;
    let [at, index] = this.#find(start);
    while (at < this.#blocks.length) {
      const id = this.#blocks[at]?.[index];
      if (id === undefined) {
        [at, index] = [at + 1, 0];
        continue;
      }
      index += 1;
      yield id;
      if (version === this.#version) continue;
      version = this.#version;
      // Nothing is sorted between a text and itself with this behind it.
      [at, index] = this.#find(`${id}\u0000`);
    }
  }

  #find(id: string): [at: number, index: number] {
    const at = this.#blockOf(id);
    const block = this.#blocks[at];
    return [at, block === undefined ? 0 : firstNotBefore(block, id)];
  }

  /** The last block that begins at or before the id: where it is, or belongs. */
  #blockOf(id: string): number {
    let [low, high] = [0, this.#blocks.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const [first] = this.#blocks[middle] as [string];
      if (first <= id) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #split(at: number, block: string[]): void {
    this.#blocks.splice(at + 1, 0, block.splice(blockIdsMax / 2));
  }

  /** A block that lost most of its ids goes into the next one, or many small ones would be left. */
  #join(at: number, block: string[]): void {
    if (block.length === 0) {
      this.#blocks.splice(at, 1);
      return;
    }
    const next = this.#blocks[at + 1];
    if (next === undefined || block.length + next.length > blockIdsMax / 2) return;
    block.push(...next);
    this.#blocks.splice(at + 1, 1);
  }
}

/** The square root of a hundred thousand, about: so many ids are moved at most, and so many blocks. */
export const blockIdsMax = 512;

/** Where an id is in a sorted list, or belongs. */
function firstNotBefore(ids: readonly string[], id: string): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] as string) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
