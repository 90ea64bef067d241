import type { PodWants } from './wanted-images.ts';

/** What changed about what Pods run, as `placeKey`. */
export interface Releases {
  /** Images that a Pod runs, or was rewritten from, and none did before. */
  readonly taken: ReadonlySet<string>;
  /** Images that no Pod runs any more. */
  readonly running: ReadonlySet<string>;
  /** Images that are no rewritten one's original any more. */
  readonly originals: ReadonlySet<string>;
}

/**
 * What all Pods that have not finished run, whatever resource they are of: no copy among it is ever
 * deleted. Kept up Pod by Pod; what one costs does not depend on how many there are.
 */
export class RunningImages {
  readonly #pods = new Map<string, PodWants>();
  readonly #running = new Map<string, number>();
  readonly #originals = new Map<string, number>();
  #changed = emptyChanges();

  /** A Pod as it is now; `undefined` is one that has finished, or has gone. */
  readonly put = (pod: string, wants: PodWants | undefined): void => {
    const before = this.#pods.get(pod);
    if (before === wants) return;
    // The new first: what a Pod goes on running must not seem released in between.
    if (wants === undefined) this.#pods.delete(pod);
    else {
      this.#pods.set(pod, wants);
      this.#count(wants, 1);
    }
    if (before !== undefined) this.#count(before, -1);
  };

  /** Whether a Pod runs from it, as `placeKey`. */
  readonly isRun = (key: string): boolean => this.#running.has(key);

  /** Whether it is the original of an image that was rewritten, as `placeKey`. */
  readonly isOriginal = (key: string): boolean => this.#originals.has(key);

  /** What was taken and released since the last call, and is so by now. */
  readonly takeReleased = (): Releases => {
    const { taken, running, originals } = this.#changed;
    this.#changed = emptyChanges();
    const isHeld = (key: string) => this.isRun(key) || this.isOriginal(key);
    return {
      taken: new Set([...taken].filter(isHeld)),
      running: new Set([...running].filter((key) => !this.isRun(key))),
      originals: new Set([...originals].filter((key) => !this.isOriginal(key))),
    };
  };

  #count({ running, originals }: PodWants, by: 1 | -1): void {
    const changed = this.#changed;
    for (const key of running) {
      const count = addTo(this.#running, key, by);
      if (count === 0) changed.running.add(key);
      else if (count === by) changed.taken.add(key);
    }
    for (const key of originals) {
      const count = addTo(this.#originals, key, by);
      if (count === 0) changed.originals.add(key);
      else if (count === by) changed.taken.add(key);
    }
  }
}

function emptyChanges() {
  return { taken: new Set<string>(), running: new Set<string>(), originals: new Set<string>() };
}

function addTo(counts: Map<string, number>, key: string, by: 1 | -1): number {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
  return count;
}
