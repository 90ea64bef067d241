import { describe, expect, test } from 'vitest';
import { createActor, fromPromise, initialTransition, transition } from 'xstate';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckOutcome } from '#core/monitoring/verdict.ts';
import {
  type CheckImageInput,
  type TrackedImageEvent,
  trackedImageMachine,
} from '#machines/tracked-image.ts';

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

describe('the check of a tracked image', () => {
  /** An image whose turn has come; its check ends as the test says. */
  async function check(tracked: Partial<TrackedImage> = {}) {
    const asked = Promise.withResolvers<CheckOutcome>();
    const questions: { input: CheckImageInput; signal: AbortSignal }[] = [];
    const checkImage = fromPromise<CheckOutcome, CheckImageInput>(({ input, signal }) => {
      questions.push({ input, signal });
      return asked.promise;
    });
    const errors: unknown[] = [];
    const actor = createActor(trackedImageMachine.provide({ actors: { checkImage } }), {
      input: { tracked: { ...scheduled, ...tracked } },
    });
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start();
    actor.send({ type: 'check.due' });
    return { ...asked, actor, errors, questions, state: () => actor.getSnapshot() };
  }

  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const availability = (state: string) => ({ Tracked: { availability: state, usage: 'Used' } });

  test('is about that image of that resource, and ends with what its registry said', async () => {
    const { questions, state, resolve } = await check();
    expect(questions.map(({ input }) => input)).toEqual([
      { resource: 'all', image: 'quay.io/a/b:1' },
    ]);
    resolve(verdict('NotFound', 7, 'no such tag'));
    await settle();
    expect(state().value).toEqual(availability('NotFound'));
    expect(state().context.tracked).toMatchObject({ lastMonitorMs: 7, lastError: 'no such tag' });
  });

  test('that comes to nothing leaves all as it was, but that it was made', async () => {
    const { state, resolve } = await check({
      status: 'NotFound',
      lastMonitorMs: 1,
      lastError: 'no',
    });
    resolve({ kind: 'inconclusive', atMs: 7 });
    await settle();
    expect(state().value).toEqual(availability('NotFound'));
    expect(state().context.tracked).toMatchObject({ lastMonitorMs: 7, lastError: 'no' });
  });

  test('is aborted by whatever leaves Checking', async () => {
    const cancelled = await check();
    cancelled.actor.send({ type: 'check.cancel', atMs: 7 });
    expect(cancelled.questions[0]?.signal.aborted).toBe(true);
    expect(cancelled.state().value).toEqual(availability('Scheduled'));
    expect(cancelled.state().context.tracked.lastMonitorMs).toBe(7);
    const expired = await check();
    expired.actor.send({ type: 'image.expired' });
    expect(expired.questions[0]?.signal.aborted).toBe(true);
    const stopped = await check();
    stopped.actor.stop();
    expect(stopped.questions[0]?.signal.aborted).toBe(true);
  });

  test('that rejects is a bug and crashes the actor with its own error', async () => {
    const { state, reject, errors } = await check();
    const bug = new Error('a bug');
    reject(bug);
    await settle();
    expect(state()).toMatchObject({ status: 'error', error: bug });
    expect(errors).toEqual([bug]);
  });
});
