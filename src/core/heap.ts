/** A value in a heap, and when its time comes; who holds it can take it out. */
export interface HeapEntry<T> {
  readonly value: T;
  /** ms on the clock of whoever put it in. */
  readonly atMs: number;
}

interface Node<T> extends HeapEntry<T> {
  /** Order of coming, so that equal times leave in it. */
  readonly sequence: number;
  /** Index of the entry in the heap; -1 once it is out. */
  index: number;
}

/**
 * A binary heap by time, earliest first, equal times in the order of their coming. Each entry knows
 * its place, so that any of them leaves as fast as the first: in log n.
 */
export class Heap<T> {
  readonly #nodes: Node<T>[] = [];
  #sequence = 0;

  get size(): number {
    return this.#nodes.length;
  }

  get first(): HeapEntry<T> | undefined {
    return this.#nodes[0];
  }

  readonly put = (value: T, atMs: number): HeapEntry<T> => {
    const node = { value, atMs, sequence: this.#sequence++, index: this.#nodes.length };
    this.#nodes.push(node);
    this.#rise(node);
    return node;
  };

  /** Takes an entry of this heap out; one that is out already stays so. */
  readonly remove = (entry: HeapEntry<T>): void => {
    const node = entry as Node<T>;
    const { index } = node;
    if (index < 0) return;
    node.index = -1;
    const last = this.#nodes.pop();
    if (last === undefined || last === node) return;
    this.#place(last, index);
    this.#rise(last);
    this.#sink(last);
  };

  readonly clear = (): void => {
    for (const node of this.#nodes) node.index = -1;
    this.#nodes.length = 0;
  };

  #place(node: Node<T>, index: number): void {
    this.#nodes[index] = node;
    node.index = index;
  }

  #rise(node: Node<T>): void {
    while (node.index > 0) {
      const parent = this.#nodes[(node.index - 1) >> 1];
      if (parent === undefined || !isBefore(node, parent)) return;
      const { index } = node;
      this.#place(node, parent.index);
      this.#place(parent, index);
    }
  }

  #sink(node: Node<T>): void {
    for (;;) {
      const child = this.#earlierChild(node.index);
      if (child === undefined || !isBefore(child, node)) return;
      const { index } = node;
      this.#place(node, child.index);
      this.#place(child, index);
    }
  }

  #earlierChild(index: number): Node<T> | undefined {
    const left = this.#nodes[index * 2 + 1];
    const right = this.#nodes[index * 2 + 2];
    if (left === undefined || right === undefined) return left;
    return isBefore(right, left) ? right : left;
  }
}

function isBefore<T>(left: Node<T>, right: Node<T>): boolean {
  return left.atMs === right.atMs ? left.sequence < right.sequence : left.atMs < right.atMs;
}
