import fc from 'fast-check';
import { expect, test } from 'vitest';
import { slotMsOf } from '#core/monitoring/pace.ts';
import {
  mostInAnyWindow,
  type Restart,
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

test('whatever the load and however often leaders change, the pace is kept and nobody is forgotten', async () => {
  const load = fc.record({
    intervalMs: fc.integer({ min: 10_000, max: hourMs }),
    maxPerInterval: fc.integer({ min: 1, max: 30 }),
    images: fc.integer({ min: 1, max: 100 }),
    seed: fc.integer({ min: 0, max: 2 ** 31 }),
    restarts: restarts(12 * hourMs),
  });
  await fc.assert(
    fc.asyncProperty(load, async ({ intervalMs, maxPerInterval, images, seed, restarts: all }) => {
      const pace = { intervalMs, maxPerInterval };
      const slotMs = slotMsOf(pace);
      const durationMs = Math.min(12 * hourMs, 500 * slotMs);
      const restarts = all.filter(({ atMs }) => atMs < durationMs);
      const random = seededRandom(seed);
      const seen = await simulatePace({ pace, images, durationMs, restarts, random });
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
}, 120_000);

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

test('30 days of 20,000 images on 40 registries, with restarts and crashes, keep the pace', async () => {
  const pace = { intervalMs: 3 * 3_600_000, maxPerInterval: 25 };
  const slotMs = slotMsOf(pace);
  const durationMs = 30 * 24 * 3_600_000;
  const random = seededRandom(20_000);
  const restarts: Restart[] = Array.from({ length: 60 }, () => ({
    atMs: Math.floor(random() * durationMs),
    how: random() < 0.5 ? ('graceful' as const) : ('crash' as const),
    awayMs: Math.floor(random() * 40_000),
  })).sort((left, right) => left.atMs - right.atMs);
  // What a restart may cost: the time without a leader, and the slot that a crash makes unknown.
  const costMs = (from: number, to: number) =>
    restarts
      .filter(({ atMs, awayMs }) => atMs + awayMs >= from && atMs <= to)
      .reduce((sum, { awayMs, how }) => sum + awayMs + (how === 'crash' ? slotMs : 2_000), 0);
  for (let registry = 0; registry < 40; registry += 1) {
    const images = 500;
    // The first by its actors, the others by what these decide with.
    const byPolicy = registry > 0;
    const seen = await simulatePace({ pace, images, durationMs, restarts, random, byPolicy });
    expect(seen.sentMs.length).toBeGreaterThan(5_900);
    expect(mostInAnyWindow(seen.sentMs, pace.intervalMs)).toBeLessThanOrEqual(25);
    expect(Math.min(...gapsOf(seen.sentMs))).toBeGreaterThan(slotMs - 1e-6);
    const uneven = gapsBetween([0, ...seen.sentMs]).filter(
      ([before, atMs]) =>
        atMs - before > 2 * slotMs && atMs - before > 2 * slotMs + costMs(before, atMs),
    );
    expect(uneven).toEqual([]);
    expect(seen.byImage.size).toBe(images);
    for (const times of seen.byImage.values()) {
      // Each turn is up to 200 ms late by the Secrets that are read in it.
      const idealMs = images * (slotMs + 200);
      const late = gapsBetween([0, ...times, durationMs]).filter(
        ([before, atMs]) => atMs - before > idealMs + slotMs + costMs(before, atMs),
      );
      expect(late).toEqual([]);
    }
  }
}, 240_000);

function gapsBetween(moments: readonly number[]): readonly (readonly [number, number])[] {
  return moments.slice(1).map((atMs, index) => [moments[index] ?? 0, atMs]);
}

function gapsOf(moments: readonly number[]): readonly number[] {
  return gapsBetween(moments).map(([before, atMs]) => atMs - before);
}
