import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesMax, DecisionRing, reviewsMax } from '#core/insight/decision-ring.ts';
import { LatencyHistogram } from '#core/insight/latency.ts';
import { MinuteSlots, minutesKept } from '#core/insight/minute-slots.ts';
import type { RouteDecision } from '#core/routing/decision.ts';

const minuteMs = 60_000;

describe('latencies of a minute', () => {
  test('are within a bucket of what sorting them would say', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1 }), (times) => {
        const histogram = new LatencyHistogram();
        for (const ms of times) histogram.add(ms, ms > 10_000);
        const { count, failed, p50Ms, p95Ms, maxMs } = histogram.summary();
        const sorted = times.toSorted((left, right) => left - right);
        const at = (share: number) => sorted[Math.ceil(times.length * share) - 1] ?? 0;
        expect(count).toBe(times.length);
        expect(failed).toBe(times.filter((ms) => ms > 10_000).length);
        expect(maxMs).toBe(sorted.at(-1));
        // Never less than what is true, and at most a bucket more.
        for (const [told, exact] of [
          [p50Ms, at(0.5)],
          [p95Ms, at(0.95)],
        ] as const) {
          expect(told).toBeGreaterThanOrEqual(exact);
          expect(told).toBeLessThanOrEqual(Math.max(2, exact * 2.5));
        }
      }),
    );
  });

  test('of none are 0', () => {
    expect(new LatencyHistogram().summary()).toEqual({
      ...{ count: 0, failed: 0, p50Ms: 0, p95Ms: 0, maxMs: 0 },
    });
  });
});

describe('a value a minute', () => {
  test('is what happened in it, for an hour, whatever the clock does', () => {
    const clock = fc.array(fc.integer({ min: -5, max: 30 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(clock, (steps) => {
        const slots = new MinuteSlots(() => ({ count: 0 }));
        let minute = 1_000;
        for (const step of steps) {
          minute += step;
          slots.at(minute * minuteMs + 17).count += 1;
          const entries = slots.entries(minute * minuteMs + 59_999);
          expect(entries.length).toBeLessThanOrEqual(minutesKept);
          const minutes = entries.map(({ atMs }) => atMs / minuteMs);
          expect(minutes).toEqual([...new Set(minutes)].sort((left, right) => left - right));
          expect(minutes.every((one) => one > minute - minutesKept)).toBe(true);
          expect(minutes).toContain(minute);
        }
      }),
    );
  });
});

describe('the reviews that are remembered', () => {
  const decision = (characters: number): RouteDecision => ({
    ...{ key: 'app', image: 'a'.repeat(characters), winner: 'b', by: 'original' },
    ...{ reason: 'OriginalAvailable', message: '', candidates: [], ms: 1 },
  });

  test('are the newest, within a number and within bytes, and the others are counted', () => {
    const sizes = fc.array(fc.constantFrom(1, 100, 1_000, 100_000, 3_000_000), { maxLength: 40 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 2_500 }), (large, small) => {
        const ring = new DecisionRing();
        const all = [...large, ...Array.from({ length: small }, () => 10)];
        for (const size of all) ring.record({ namespace: 'shop' }, [decision(size)], 0);
        const kept = ring.newest();
        const bytes = kept.reduce(
          (sum, { decisions }) => sum + (decisions[0]?.image.length ?? 0),
          0,
        );
        expect(kept.length).toBeLessThanOrEqual(reviewsMax);
        expect(bytes).toBeLessThanOrEqual(bytesMax + 3_000_000);
        expect(ring.forgotten() + kept.length).toBe(all.length);
        expect(kept.map(({ id }) => id)).toEqual(
          Array.from({ length: kept.length }, (_, index) => all.length - index),
        );
        if (all.length > 0) expect(kept.length).toBeGreaterThan(0);
      }),
      { numRuns: 50 },
    );
  });

  test('are written down whatever their metadata are', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), (metadata, owners) => {
        const ring = new DecisionRing();
        ring.record({ namespace: 'shop', metadata: metadata as never }, [decision(1)], 0);
        const odd = { name: metadata, ownerReferences: owners };
        ring.record({ namespace: 'shop', metadata: odd as never }, [decision(1)], 0);
        expect(ring.newest()).toHaveLength(2);
      }),
    );
  });
});
