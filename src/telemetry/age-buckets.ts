import { exponentialBuckets } from 'prom-client';

/** How the classic buckets of the age histogram are laid out (behaviour §7). */
export interface AgeBuckets {
  readonly bucketType: 'exponential' | 'exponentialRange' | 'custom' | 'disabled';
  readonly start: number;
  readonly factor: number;
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly custom: readonly number[];
}

/**
 * The upper bounds, in minutes, computed step by step as Prometheus' own library for Go does: kuik
 * v2's series go on under the very same `le`. None where they are disabled: a sum and a count are left.
 */
export function ageBounds(buckets: AgeBuckets): number[] {
  switch (buckets.bucketType) {
    case 'exponential':
      return exponentialBuckets(buckets.start, buckets.factor, buckets.count);
    case 'exponentialRange':
      return powers(buckets);
    case 'custom':
      return [...buckets.custom];
    case 'disabled':
      return [];
  }
}

function powers({ min, max, count }: AgeBuckets): number[] {
  const factor = (max / min) ** (1 / (count - 1));
  // Of a single bucket the factor is infinite, and not used.
  return Array.from({ length: count }, (_, index) => (index === 0 ? min : min * factor ** index));
}
