/** Upper bounds of the buckets, ms: from a registry next door to one that takes all of its time. */
const boundsMs = [
  2, 5, 10, 20, 35, 50, 75, 100, 150, 250, 500, 1_000, 2_000, 5_000, 10_000,
] as const;

/** How long a registry took for its answers, as buckets: a minute of any traffic is 100 bytes. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(boundsMs.length + 1);
  #count = 0;
  #failed = 0;
  #maxMs = 0;

  /** `isFailed`: there was no answer within that time. */
  readonly add = (ms: number, isFailed: boolean): void => {
    const found = boundsMs.findIndex((bound) => ms <= bound);
    const index = found < 0 ? boundsMs.length : found;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count += 1;
    if (isFailed) this.#failed += 1;
    this.#maxMs = Math.max(this.#maxMs, ms);
  };

  readonly summary = (): LatencySummary => ({
    count: this.#count,
    failed: this.#failed,
    p50Ms: this.#quantile(0.5),
    p95Ms: this.#quantile(0.95),
    maxMs: Math.round(this.#maxMs),
  });

  /** The upper bound of the bucket that it falls into, and never more than the slowest. */
  #quantile(share: number): number {
    let left = Math.ceil(this.#count * share);
    for (const [index, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return Math.min(boundsMs[index] ?? this.#maxMs, Math.round(this.#maxMs));
    }
    return Math.round(this.#maxMs);
  }
}

/** Answers of some time; of none all is 0. */
export interface LatencySummary {
  readonly count: number;
  /** Of them those that were no answer. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}
