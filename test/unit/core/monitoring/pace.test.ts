import { describe, expect, test } from 'vitest';
import { createPacer, quotaGuessMsMax, quotaHoldMsMax, slotMsOf } from '#core/monitoring/pace.ts';
import {
  mostInAnyWindow,
  type Restart,
  seededRandom,
  simulatePace,
} from '#test/support/monitoring/pace-simulation.ts';

const tenSeconds = { intervalMs: 60_000, maxPerInterval: 6 };

/** Takes a turn that is sent and answered in the same moment. */
function check(pacer: ReturnType<typeof createPacer>, nowMs: number): string | undefined {
  const key = pacer.take(nowMs);
  if (key === undefined) return undefined;
  pacer.begin(nowMs);
  pacer.end(key, nowMs);
  return key;
}

describe('the order of checks', () => {
  test('is never-checked first, as they came, then the longest unchecked', () => {
    const pacer = createPacer(tenSeconds);
    pacer.add('late', -1_000);
    pacer.add('early', -9_000);
    pacer.add('new-1', undefined);
    pacer.add('new-2', undefined);
    const order = [0, 10_000, 20_000, 30_000, 40_000].map((nowMs) => check(pacer, nowMs));
    expect(order).toEqual(['new-1', 'new-2', 'early', 'late', 'new-1']);
  });

  test('an image that was learnt of otherwise goes to the end and takes no slot', () => {
    const pacer = createPacer(tenSeconds);
    pacer.add('a', -3_000);
    pacer.add('b', -2_000);
    pacer.spare('a', 0);
    expect(check(pacer, 0)).toBe('b');
    expect(check(pacer, 10_000)).toBe('a');
  });

  test('one that is removed does not come back, not even from its check', () => {
    const pacer = createPacer(tenSeconds);
    pacer.add('a', undefined);
    pacer.add('b', undefined);
    pacer.take(0);
    pacer.begin(0);
    pacer.remove('a');
    pacer.end('a', 0);
    pacer.remove('b');
    expect(pacer.nextMs()).toBeUndefined();
    expect(pacer.figures()).toMatchObject({ queued: 0, inFlight: 0 });
  });
});

describe('the pace', () => {
  test('is at once when the last check is a slot ago, and a slot apart from then on', () => {
    const pacer = createPacer(tenSeconds);
    for (const key of ['a', 'b', 'c']) pacer.add(key, undefined);
    expect(check(pacer, 5)).toBe('a');
    expect(check(pacer, 10_004)).toBeUndefined();
    expect(pacer.nextMs()).toBe(10_005);
    expect(check(pacer, 10_005)).toBe('b');
    expect(check(pacer, 50_000)).toBe('c');
  });

  test('counts from when the request left, and nobody is taken before that', () => {
    const pacer = createPacer(tenSeconds);
    pacer.add('a', undefined);
    pacer.add('b', undefined);
    expect(pacer.take(0)).toBe('a');
    expect(pacer.take(12_000)).toBeUndefined();
    pacer.begin(12_000);
    expect(pacer.nextMs()).toBe(22_000);
  });

  test('resumes from the newest check that anyone remembers', () => {
    const pacer = createPacer(tenSeconds);
    pacer.add('a', undefined);
    pacer.resume(-4_000);
    pacer.resume(-7_000);
    expect(pacer.nextMs()).toBe(6_000);
  });

  test.each([
    [{ intervalMs: 3 * 3_600_000, maxPerInterval: 25 }, 432_000],
    [{ intervalMs: 3_600_000, maxPerInterval: 6 }, 600_000],
    [{ intervalMs: 1_000, maxPerInterval: 3 }, 333.334],
  ])('%o is one check each %d ms', (pace, slotMs) => {
    expect(slotMsOf(pace)).toBe(slotMs);
  });
});

describe('a quota that is used up', () => {
  test('holds the registry until the registry said, a day at most', () => {
    const pacer = createPacer(tenSeconds);
    pacer.add('a', undefined);
    pacer.quotaExceeded(0, 90_000);
    expect(pacer.nextMs()).toBe(90_000);
    pacer.quotaExceeded(0, 10 * quotaHoldMsMax);
    expect(pacer.nextMs()).toBe(quotaHoldMsMax);
  });

  test('holds it for growing times where nothing is said, until it answers again', () => {
    const pacer = createPacer(tenSeconds);
    pacer.add('a', undefined);
    const waits: number[] = [];
    for (let round = 0, nowMs = 0; round < 10; round += 1) {
      pacer.quotaExceeded(nowMs, undefined);
      waits.push((pacer.nextMs() ?? 0) - nowMs);
      nowMs = pacer.nextMs() ?? 0;
    }
    expect(waits.slice(0, 4)).toEqual([20_000, 40_000, 80_000, 160_000]);
    expect(waits.at(-1)).toBe(quotaGuessMsMax);
    pacer.answered();
    const nowMs = pacer.nextMs() ?? 0;
    pacer.quotaExceeded(nowMs, undefined);
    expect((pacer.nextMs() ?? 0) - nowMs).toBe(20_000);
  });
});

function gapsBetween(moments: readonly number[]): readonly (readonly [number, number])[] {
  return moments.slice(1).map((atMs, index) => [moments[index] ?? 0, atMs]);
}

function gapsOf(moments: readonly number[]): readonly number[] {
  return gapsBetween(moments).map(([before, atMs]) => atMs - before);
}

test('30 days of 20,000 images on 40 registries, with restarts and crashes, keep the pace', () => {
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
    const seen = simulatePace({ pace, images, durationMs, restarts, random });
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
});
