/** Keys in the order of a time: earliest first, equal times in the order of their coming. */
export interface TurnQueue {
  /** Puts a key in its place; one that is there moves, behind those of the same time. */
  readonly put: (key: string, atMs: number) => void;
  readonly remove: (key: string) => void;
  readonly has: (key: string) => boolean;
  readonly takeFirst: () => string | undefined;
  readonly size: () => number;
}

interface Turn {
  readonly key: string;
  readonly atMs: number;
  readonly sequence: number;
  /** Its place in the heap. */
  index: number;
}

/**
 * Makes an empty queue: a binary heap that knows where each key stands, so that any of them leaves
 * or moves as fast as the first. A whole round over n keys costs n log n.
 */
export function createTurnQueue(): TurnQueue {
  return new IndexedHeap();
}

function isBefore(left: Turn, right: Turn): boolean {
  return left.atMs === right.atMs ? left.sequence < right.sequence : left.atMs < right.atMs;
}

class IndexedHeap implements TurnQueue {
  readonly #heap: Turn[] = [];
  readonly #turns = new Map<string, Turn>();
  #sequence = 0;

  readonly size = (): number => this.#heap.length;

  readonly has = (key: string): boolean => this.#turns.has(key);

  readonly put = (key: string, atMs: number): void => {
    this.remove(key);
    const turn: Turn = { key, atMs, sequence: this.#sequence++, index: this.#heap.length };
    this.#turns.set(key, turn);
    this.#heap.push(turn);
    this.#rise(turn);
  };

  readonly remove = (key: string): void => {
    const turn = this.#turns.get(key);
    if (turn === undefined) return;
    this.#turns.delete(key);
    const last = this.#heap.pop();
    if (last === undefined || last === turn) return;
    this.#place(last, turn.index);
    this.#rise(last);
    this.#sink(last);
  };

  readonly takeFirst = (): string | undefined => {
    const key = this.#heap[0]?.key;
    if (key !== undefined) this.remove(key);
    return key;
  };

  #place(turn: Turn, index: number): void {
    this.#heap[index] = turn;
    turn.index = index;
  }

  #rise(turn: Turn): void {
    while (turn.index > 0) {
      const parent = this.#heap[(turn.index - 1) >> 1];
      if (parent === undefined || !isBefore(turn, parent)) return;
      const { index } = turn;
      this.#place(turn, parent.index);
      this.#place(parent, index);
    }
  }

  #sink(turn: Turn): void {
    for (;;) {
      const child = this.#earlierChild(turn.index);
      if (child === undefined || !isBefore(child, turn)) return;
      const { index } = turn;
      this.#place(turn, child.index);
      this.#place(child, index);
    }
  }

  #earlierChild(index: number): Turn | undefined {
    const left = this.#heap[index * 2 + 1];
    const right = this.#heap[index * 2 + 2];
    if (left === undefined || right === undefined) return left;
    return isBefore(right, left) ? right : left;
  }
}
