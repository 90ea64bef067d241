import { describe, expect, test } from 'vitest';
import { initialTransition, transition } from 'xstate';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { type TrackedImageEvent, trackedImageMachine } from '#machines/tracked-image.ts';

const scheduled: TrackedImage = {
  ...{ resource: 'all', image: 'quay.io/a/b:1', registry: 'quay.io' },
  ...{ status: 'Scheduled', original: true },
};

function start(tracked: Partial<TrackedImage> = {}, ...events: readonly TrackedImageEvent[]) {
  let [state] = initialTransition(trackedImageMachine, { tracked: { ...scheduled, ...tracked } });
  for (const event of events) [state] = transition(trackedImageMachine, state, event);
  return state;
}

const verdict = (status: 'Available' | 'NotFound', atMs: number, lastError?: string) => ({
  ...{ kind: 'verdict' as const, status, atMs },
  ...(lastError !== undefined && { lastError }),
});

describe('a tracked image', () => {
  test('begins where it was, used or not', () => {
    expect(start().value).toEqual({ Tracked: { availability: 'Scheduled', usage: 'Used' } });
    expect(start({ status: 'NotFound', unusedSinceMs: 5, lastMonitorMs: 4 }).value).toEqual({
      Tracked: { availability: 'NotFound', usage: 'Unused' },
    });
  });

  test('takes over what a probe saw, and forgets why it failed before', () => {
    const lost = { type: 'probe.seen', verdict: verdict('NotFound', 7, 'no such tag') } as const;
    const back = { type: 'probe.seen', verdict: verdict('Available', 8) } as const;
    expect(start({}, lost).context.tracked).toMatchObject({
      ...{ status: 'NotFound', lastMonitorMs: 7, lastError: 'no such tag' },
    });
    const state = start({}, lost, back);
    expect(state.value).toMatchObject({ Tracked: { availability: 'Available' } });
    expect(state.context.tracked).toEqual({ ...scheduled, status: 'Available', lastMonitorMs: 8 });
  });

  test('asks when its turn comes; what others see meanwhile waits for that answer', () => {
    const due = { type: 'check.due' } as const;
    const seen = { type: 'probe.seen', verdict: verdict('Available', 8) } as const;
    const state = start({ status: 'NotFound' }, due, due, seen);
    expect(state.value).toMatchObject({ Tracked: { availability: 'Checking' } });
    expect(state.context.tracked.status).toBe('NotFound');
  });

  test('is unused, used again, and ends when it has expired', () => {
    const unused = { type: 'image.unused', sinceMs: 9 } as const;
    expect(start({}, unused).context.tracked.unusedSinceMs).toBe(9);
    const again = start({}, unused, { type: 'image.used', original: false });
    expect(again.context.tracked).toEqual({ ...scheduled, original: false });
    expect(start({}, unused, { type: 'image.expired' })).toMatchObject({
      ...{ value: 'Expired', status: 'done' },
    });
  });
});
