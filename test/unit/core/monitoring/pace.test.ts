import { describe, expect, test } from 'vitest';
import {
  countChecks,
  holdForQuota,
  nextCheckMs,
  quotaGuessMsMax,
  quotaHoldMsMax,
  slotMsOf,
  unpaced,
} from '#core/monitoring/pace.ts';

const slotMs = slotMsOf({ intervalMs: 60_000, maxPerInterval: 6 });

describe('the pace', () => {
  test('resumes from the newest check that anyone remembers', () => {
    const resumed = countChecks(countChecks(unpaced, -4_000), -7_000);
    expect(nextCheckMs(resumed, slotMs)).toBe(6_000);
  });

  test.each([
    [{ intervalMs: 3 * 3_600_000, maxPerInterval: 25 }, 432_000],
    [{ intervalMs: 3_600_000, maxPerInterval: 6 }, 600_000],
    [{ intervalMs: 1_000, maxPerInterval: 3 }, 333.334],
  ])('%o is one check each %d ms', (pace, expectedMs) => {
    expect(slotMsOf(pace)).toBe(expectedMs);
  });
});

describe('a quota that is used up', () => {
  test('holds the registry until the registry said, a day at most', () => {
    const held = holdForQuota(unpaced, { atMs: 0, untilMs: 90_000 }, slotMs);
    expect(nextCheckMs(held, slotMs)).toBe(90_000);
    const long = holdForQuota(held, { atMs: 0, untilMs: 10 * quotaHoldMsMax }, slotMs);
    expect(nextCheckMs(long, slotMs)).toBe(quotaHoldMsMax);
  });

  test('holds it for growing times where nothing is said', () => {
    let memory = unpaced;
    const waits: number[] = [];
    for (let round = 0, atMs = 0; round < 10; round += 1) {
      memory = holdForQuota(memory, { atMs, untilMs: undefined }, slotMs);
      waits.push(nextCheckMs(memory, slotMs) - atMs);
      atMs = nextCheckMs(memory, slotMs);
    }
    expect(waits.slice(0, 4)).toEqual([20_000, 40_000, 80_000, 160_000]);
    expect(waits.at(-1)).toBe(quotaGuessMsMax);
  });

  test('never holds it for less than a slot', () => {
    const longSlotMs = 2 * quotaGuessMsMax;
    const held = holdForQuota(unpaced, { atMs: 0, untilMs: undefined }, longSlotMs);
    expect(nextCheckMs(held, longSlotMs)).toBe(longSlotMs);
  });
});
