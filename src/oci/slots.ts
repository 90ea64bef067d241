/** So many at once of each name; the others wait in the order of coming. */
export class Slots {
  readonly #slotsMax: number;
  readonly #names = new Map<string, { taken: number; readonly waiting: Set<() => void> }>();

  /** `slotsMax` of each name. */
  constructor(slotsMax: number) {
    this.#slotsMax = slotsMax;
  }

  /** Waits for one; gives how to give it back, once. Whoever is called off has none and goes on. */
  async take(name: string, signal: AbortSignal): Promise<() => void> {
    const of = this.#names.get(name) ?? { taken: 0, waiting: new Set() };
    this.#names.set(name, of);
    if (of.taken < this.#slotsMax) {
      of.taken += 1;
      return this.#giveBack(name);
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const turn = (): void => resolve(true);
    const abort = (): void => {
      of.waiting.delete(turn);
      resolve(false);
    };
    of.waiting.add(turn);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    const isTaken = await promise;
    signal.removeEventListener('abort', abort);
    return isTaken ? this.#giveBack(name) : () => undefined;
  }

  #giveBack(name: string): () => void {
    let isTaken = true;
    return () => {
      const of = this.#names.get(name);
      if (!isTaken || of === undefined) return;
      isTaken = false;
      const [next] = of.waiting;
      // It goes from hand to hand as long as somebody waits.
      if (next !== undefined) {
        of.waiting.delete(next);
        next();
        return;
      }
      of.taken -= 1;
      if (of.taken === 0) this.#names.delete(name);
    };
  }
}
