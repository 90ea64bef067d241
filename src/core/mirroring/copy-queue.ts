/**
 * How urgent a copy is, the most urgent first: Pods wait for it; it was there and is lost; Pods use
 * the image; the rest.
 */
export const copyLevels = ['waiting', 'lost', 'used', 'rest'] as const;

/** One of them. */
export type CopyLevel = (typeof copyLevels)[number];

/** How urgent a copy is. */
export function copyLevel(copy: {
  readonly isWaitedFor: boolean;
  readonly isLost: boolean;
  readonly isUsed: boolean;
}): CopyLevel {
  if (copy.isWaitedFor) return 'waiting';
  if (copy.isLost) return 'lost';
  return copy.isUsed ? 'used' : 'rest';
}

/** Who wants a place in the queue, and how urgently. */
export interface CopyTurn {
  /** For `setTurn` and `remove`. */
  readonly id?: string;
  /** The namespace whose share it takes. */
  readonly share?: string;
  readonly level?: CopyLevel;
}

/**
 * Copies in the order of their turns, shaped as a p-queue wants its queue. Every second turn is of the
 * most urgent of all, namespaces in turn; the others are of the namespaces in turn, each with its own
 * most urgent: whoever says that all its Pods wait gets half of the turns at most.
 */
export class CopyQueue<Run> {
  /** In the order of their turns; none is empty. */
  readonly #shares = new Map<string, Share<Run>>();
  readonly #places = new Map<string, Place>();
  #size = 0;
  #isUrgentTurn = true;
  #lastNumber = 0;

  get size(): number {
    return this.#size;
  }

  readonly enqueue = (run: Run, turn: CopyTurn = {}): void => {
    const { share = '', level = 'rest' } = turn;
    this.#lastNumber += 1;
    const id = turn.id ?? `#${this.#lastNumber}`;
    this.remove(id);
    this.#put(id, run, { share, level });
  };

  readonly dequeue = (): Run | undefined => {
    const found = this.#isUrgentTurn ? this.#mostUrgent() : this.#shares.entries().next().value;
    this.#isUrgentTurn = !this.#isUrgentTurn;
    if (found === undefined) return undefined;
    const [name, share] = found;
    const [first] = share.find(({ size }) => size > 0) ?? [];
    if (first === undefined) return undefined;
    const [id, run] = first;
    this.remove(id);
    // Its next turn comes after those of the others.
    if (this.#shares.delete(name)) this.#shares.set(name, share);
    return run;
  };

  /** Gives what waits another turn: more urgent by now, or another namespace's. */
  readonly setTurn = (id: string, { share, level }: Omit<CopyTurn, 'id'>): void => {
    const place = this.#places.get(id);
    const run = place && this.#shares.get(place.share)?.[indexOf(place.level)]?.get(id);
    if (place === undefined || run === undefined) return;
    const next = { share: share ?? place.share, level: level ?? place.level };
    if (next.share === place.share && next.level === place.level) return;
    this.remove(id);
    this.#put(id, run, next);
  };

  readonly remove = (id: string): void => {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#places.delete(id);
    this.#size -= 1;
    const share = this.#shares.get(place.share);
    share?.[indexOf(place.level)]?.delete(id);
    if (share?.every(({ size }) => size === 0)) this.#shares.delete(place.share);
  };

  /** A p-queue asks for those of one priority; there are none here. */
  readonly filter = (): Run[] => [];

  /** Priorities are turns here (`setTurn`). */
  readonly setPriority = (): void => {};

  #put(id: string, run: Run, place: Place): void {
    const share = this.#shares.get(place.share) ?? copyLevels.map(() => new Map<string, Run>());
    share[indexOf(place.level)]?.set(id, run);
    this.#shares.set(place.share, share);
    this.#places.set(id, place);
    this.#size += 1;
  }

  #mostUrgent(): [string, Share<Run>] | undefined {
    let best: { readonly entry: [string, Share<Run>]; readonly level: number } | undefined;
    for (const entry of this.#shares) {
      const level = entry[1].findIndex(({ size }) => size > 0);
      if (best === undefined || level < best.level) best = { entry, level };
      if (best.level === 0) break;
    }
    return best?.entry;
  }
}

/** By level, in the order of their coming. */
type Share<Run> = readonly Map<string, Run>[];

interface Place {
  readonly share: string;
  readonly level: CopyLevel;
}

function indexOf(level: CopyLevel): number {
  return copyLevels.indexOf(level);
}
