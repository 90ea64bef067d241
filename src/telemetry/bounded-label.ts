/** A cluster draws from tens of registries; a scrape of thousands of series helps nobody. */
export const subjectLabelsMax = 200;
/** Reasons, results, kinds and states are closed sets; this only keeps a bug from growing without end. */
export const closedLabelsMax = 100;
/** What stands for all values beyond a bound. */
export const otherLabel = 'other';

/** What becomes of values where there are too many. */
export interface BoundedLabelOptions {
  /** Has its own place whatever else there is. */
  readonly isKept?: (value: string) => boolean;
  /** Told of the value used longest ago, which makes room; without it what comes late is `other`. */
  readonly evicted?: (value: string) => void;
}

/** Label values that are told apart, at most `max` beside those that are kept. */
export class BoundedLabel {
  /** In the order of their last use, longest ago first, where one makes room. */
  readonly #known = new Set<string>();
  /** The one used last: it is the last already. */
  #latest: string | undefined;
  readonly #max: number;
  readonly #options: BoundedLabelOptions;

  constructor(max: number, options: BoundedLabelOptions = {}) {
    this.#max = max;
    this.#options = options;
  }

  name(value: string): string {
    if (value === this.#latest) return value;
    if (this.#known.has(value)) this.#touch(value);
    else if (this.#options.isKept?.(value) !== true) return this.#take(value);
    return value;
  }

  #touch(value: string): void {
    if (this.#options.evicted === undefined) return;
    this.#known.delete(value);
    this.#known.add(value);
    this.#latest = value;
  }

  #take(value: string): string {
    const { isKept, evicted } = this.#options;
    if (this.#known.size >= this.#max) {
      const [oldest = ''] = this.#known;
      if (evicted === undefined) return otherLabel;
      this.#known.delete(oldest);
      if (isKept?.(oldest) !== true) evicted(oldest);
    }
    this.#known.add(value);
    this.#latest = value;
    return value;
  }

  forget(value: string): void {
    if (value === this.#latest) this.#latest = undefined;
    this.#known.delete(value);
  }
}
