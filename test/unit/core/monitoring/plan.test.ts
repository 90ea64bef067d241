import { describe, expect, test } from 'vitest';
import { type PlanState, planImages } from '#core/monitoring/plan.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';

const image = 'docker.io/library/nginx:1';
const hourMs = 3_600_000;

function entry(more: Partial<TrackedImage> = {}): TrackedImage {
  return {
    ...{ resource: 'all', image, registry: 'docker.io', status: 'Available', original: true },
    ...more,
  };
}

function plan(state: Partial<PlanState>) {
  return planImages({
    images: [image],
    entry: () => undefined,
    use: () => undefined,
    unusedExpiryMs: 0,
    nowMs: 1_000 * hourMs,
    ...state,
  });
}

const inUse = () => ({ original: true, pullSecrets: [], namespace: 'apps' });
const inScope = { matchesImage: () => true, isStillThere: () => false };

describe('an image', () => {
  test('that is used and unknown is tracked; one that is known is left alone', () => {
    expect(plan({ use: inUse }).steps).toEqual([{ kind: 'track', image, original: true }]);
    expect(plan({ use: inUse, entry: () => entry() })).toEqual({ steps: [] });
  });

  test('whose last Pod has gone is unused from now on, and looked at when it expires', () => {
    expect(plan({ entry: () => entry(), unusedExpiryMs: hourMs })).toEqual({
      steps: [{ kind: 'unuse', image, sinceMs: 1_000 * hourMs }],
      nextWakeMs: 1_001 * hourMs,
    });
  });

  test.each([
    ['the second before', 720 * hourMs - 1_000, []],
    ['right then', 720 * hourMs, [{ kind: 'expire', image }]],
  ])('unused for 720 h expires: %s', (_, agoMs, steps) => {
    const nowMs = 1_000 * hourMs;
    const unused = entry({ unusedSinceMs: nowMs - agoMs });
    const outcome = plan({ entry: () => unused, unusedExpiryMs: 720 * hourMs, nowMs });
    expect(outcome.steps).toEqual(steps);
    expect(outcome.nextWakeMs).toBe(steps.length === 0 ? nowMs + 1_000 : undefined);
  });

  test('never expires where nothing is said', () => {
    expect(plan({ entry: () => entry({ unusedSinceMs: 0 }) })).toEqual({ steps: [] });
  });

  test('is used again, or by others', () => {
    const steps = [{ kind: 'use', image, original: true }];
    expect(plan({ use: inUse, entry: () => entry({ unusedSinceMs: 5 }) }).steps).toEqual(steps);
    expect(plan({ use: inUse, entry: () => entry({ original: false }) }).steps).toEqual(steps);
  });
});

describe('a new scope', () => {
  const drop = [{ kind: 'drop', image }];

  test('drops what its image filter leaves out, unused or not', () => {
    const newScope = { ...inScope, matchesImage: () => false };
    expect(plan({ newScope, entry: () => entry() }).steps).toEqual(drop);
    expect(plan({ newScope, entry: () => entry({ unusedSinceMs: 5 }) }).steps).toEqual(drop);
  });

  test('drops what only Pods out of scope use', () => {
    const newScope = { ...inScope, isStillThere: () => true };
    expect(plan({ newScope, entry: () => entry() }).steps).toEqual(drop);
  });

  test('keeps what was unused already, and what has no Pod any more', () => {
    const newScope = { ...inScope, isStillThere: () => true };
    expect(plan({ newScope, entry: () => entry({ unusedSinceMs: 5 }) }).steps).toEqual([]);
    const gone = plan({ newScope: inScope, entry: () => entry() });
    expect(gone.steps.map(({ kind }) => kind)).toEqual(['unuse']);
  });
});
