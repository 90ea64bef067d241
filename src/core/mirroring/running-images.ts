import type { PodWants } from './wanted-images.ts';

/** What no Pod has any more, as `placeKey`. */
export interface Releases {
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
  #released = { running: new Set<string>(), originals: new Set<string>() };

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

  /** What was released since the last call, and is by now. */
  readonly takeReleased = (): Releases => {
    const { running, originals } = this.#released;
    this.#released = { running: new Set(), originals: new Set() };
    const left = (keys: ReadonlySet<string>, counts: ReadonlyMap<string, number>) =>
      new Set([...keys].filter((key) => !counts.has(key)));
    return { running: left(running, this.#running), originals: left(originals, this.#originals) };
  };

  #count({ running, originals }: PodWants, by: 1 | -1): void {
    for (const key of running) {
      if (addTo(this.#running, key, by) === 0) this.#released.running.add(key);
    }
    for (const key of originals) {
      if (addTo(this.#originals, key, by) === 0) this.#released.originals.add(key);
    }
  }
}

function addTo(counts: Map<string, number>, key: string, by: 1 | -1): number {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
  return count;
}
