import fc from 'fast-check';
import { expect, test } from 'vitest';
import { slotMsOf } from '#core/monitoring/pace.ts';
import {
  mostInAnyWindow,
  seededRandom,
  simulatePace,
} from '#test/support/monitoring/pace-simulation.ts';

const hourMs = 3_600_000;

const restarts = (durationMs: number) =>
  fc
    .array(
      fc.record({
        atMs: fc.integer({ min: 0, max: durationMs }),
        how: fc.constantFrom('graceful' as const, 'crash' as const),
        awayMs: fc.integer({ min: 0, max: 60_000 }),
      }),
      { maxLength: 20 },
    )
    .map((list) => list.toSorted((left, right) => left.atMs - right.atMs));

/** Reading Secrets, and the longest answer: what a check takes beyond its slot. */
const checkMsMax = 3_200;

test('whatever the load and however often leaders change, the pace is kept and nobody is forgotten', () => {
  const load = fc.record({
    intervalMs: fc.integer({ min: 10_000, max: hourMs }),
    maxPerInterval: fc.integer({ min: 1, max: 30 }),
    images: fc.integer({ min: 1, max: 100 }),
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    restarts: restarts(12 * hourMs),
  });
  fc.assert(
    fc.property(load, ({ intervalMs, maxPerInterval, images, seed, restarts: all }) => {
      const pace = { intervalMs, maxPerInterval };
      const slotMs = slotMsOf(pace);
      const durationMs = Math.min(12 * hourMs, 500 * slotMs);
      const restarts = all.filter(({ atMs }) => atMs < durationMs);
      const random = seededRandom(seed);
      const seen = simulatePace({ pace, images, durationMs, restarts, random });
      expect(mostInAnyWindow(seen.sentMs, intervalMs)).toBeLessThanOrEqual(maxPerInterval);
      const gapsMs = seen.sentMs.slice(1).map((atMs, n) => atMs - (seen.sentMs[n] ?? 0));
      expect(Math.min(slotMs, ...gapsMs)).toBeGreaterThanOrEqual(slotMs - 1e-6);
      for (const times of seen.byImage.values()) {
        const moments = [0, ...times, durationMs];
        for (const [n, atMs] of moments.slice(1).entries()) {
          const beforeMs = moments[n] ?? 0;
          const turnMs = slotMs + checkMsMax;
          const idealMs = images * turnMs + turnMs;
          expect(atMs - beforeMs).toBeLessThan(
            idealMs + costMs(restarts, { beforeMs, atMs, slotMs }),
          );
        }
      }
      const reach = durationMs - costMs(restarts, { beforeMs: 0, atMs: durationMs, slotMs });
      if (reach > (images + 1) * (slotMs + checkMsMax)) expect(seen.byImage.size).toBe(images);
    }),
    { numRuns: 200 },
  );
}, 30_000);

/** What restarts may cost: the time without a leader, and the slot that a crash makes unknown. */
function costMs(
  list: readonly { readonly atMs: number; readonly how: string; readonly awayMs: number }[],
  within: { readonly beforeMs: number; readonly atMs: number; readonly slotMs: number },
): number {
  return list
    .filter(({ atMs, awayMs }) => atMs + awayMs >= within.beforeMs && atMs <= within.atMs)
    .reduce((sum, { awayMs, how }) => {
      const unknownMs = how === 'crash' ? within.slotMs : 2_000;
      // The turn that was under way is lost.
      return sum + awayMs + unknownMs + within.slotMs;
    }, 0);
}
