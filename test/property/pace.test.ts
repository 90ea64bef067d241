import fc from 'fast-check';
import { expect, test } from 'vitest';
import { slotMsOf } from '#core/monitoring/pace.ts';
import { mostInAnyWindow, seededRandom, simulatePace } from '#test/support/pace-simulation.ts';

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

test('whatever the load and however often leaders change, no window sees more than its checks', () => {
  const load = fc.record({
    intervalMs: fc.integer({ min: 10_000, max: hourMs }),
    maxPerInterval: fc.integer({ min: 1, max: 30 }),
    images: fc.integer({ min: 1, max: 200 }),
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    restarts: restarts(12 * hourMs),
  });
  fc.assert(
    fc.property(load, ({ intervalMs, maxPerInterval, images, seed, restarts }) => {
      const pace = { intervalMs, maxPerInterval };
      const durationMs = Math.min(12 * hourMs, 2_000 * slotMsOf(pace));
      const random = seededRandom(seed);
      const seen = simulatePace({ pace, images, durationMs, restarts, random });
      expect(mostInAnyWindow(seen.sentMs, intervalMs)).toBeLessThanOrEqual(maxPerInterval);
    }),
    { numRuns: 60 },
  );
});
