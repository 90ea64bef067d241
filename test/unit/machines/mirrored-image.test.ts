import { describe, expect, test } from 'vitest';
import { createActor, fromPromise, initialTransition, transition } from 'xstate';
import {
  type CopyEnd,
  type CopyKey,
  type DeletionOutcome,
  type LookOutcome,
  type MirroredImageEvent,
  type MirroredImageInput,
  mirroredImageMachine,
} from '#machines/mirrored-image.ts';

const key = { target: 'mirror.example.com/m', image: 'docker.io/library/nginx:1' };
const copy = 'mirror.example.com/m/library/nginx:1';
const there = { copy, mirroredAtMs: 5, digest: 'sha256:a', sourceDigest: 'sha256:b' };

function start(input: Partial<MirroredImageInput> = {}, ...events: readonly MirroredImageEvent[]) {
  const all = { ...key, known: { copy }, isUnused: false, ...input };
  let [state] = initialTransition(mirroredImageMachine, all);
  for (const event of events) [state] = transition(mirroredImageMachine, state, event);
  return state;
}

describe('a copy', () => {
  test('begins where its status had it', () => {
    expect(start().value).toBe('Scheduled');
    expect(start({ known: there }).value).toBe('Available');
    expect(start({ known: there, isUnused: true }).value).toBe('Unused');
    expect(start({ known: there, isUnused: true, before: 'Expired' })).toMatchObject({
      ...{ value: 'Expired', context: { before: null } },
    });
    const collision = { copy, lastError: 'another has its place' };
    expect(start({ known: collision, before: 'Collision' }).value).toBe('Collision');
    expect(start({ known: { copy, lastError: 'no' }, before: 'Failed' }).value).toBe('Scheduled');
  });

  test('that is lost is copied again, and says why', () => {
    const lost = { type: 'copy.lost', message: '404' } as const;
    const state = start({ known: there }, lost);
    expect(state.value).toBe('Scheduled');
    const { mirroredAtMs: _, ...others } = there;
    expect(state.context.known).toEqual({ ...others, lastError: '404' });
    expect(start({ known: there, isUnused: true }, lost).value).toBe('Unused');
  });

  test('that nobody uses waits, expires, and comes back when a Pod does', () => {
    const unused = { type: 'image.unused' } as const;
    const used = { type: 'image.used' } as const;
    const expired = { type: 'copy.expired' } as const;
    expect(start({ known: there }, unused).value).toBe('Unused');
    expect(start({ known: there }, unused, used).value).toBe('Available');
    expect(start({ known: there }, unused, expired).value).toBe('Expired');
    expect(start({ known: there }, unused, expired, used).value).toBe('Available');
    expect(start({ known: there }, expired).value).toBe('Available');
    expect(start({}, unused, used).value).toBe('Scheduled');
  });

  test('whose deletion may have been sent is not offered before the answer, whoever comes', () => {
    const events = ['image.unused', 'copy.expired', 'deletion.due', 'image.used'] as const;
    const collides = { type: 'copy.collides', message: 'another has its place' } as const;
    const state = start(
      { known: there },
      ...events.map((type) => ({ type })),
      { type: 'copy.revived' },
      collides,
    );
    expect(state).toMatchObject({ value: 'Deleting', context: { isUnused: false } });
  });

  test('that has another in its place says so, and waits for that to change', () => {
    const collides = { type: 'copy.collides', message: 'quay.io/library/nginx:1' } as const;
    const state = start({}, collides);
    expect(state).toMatchObject({ value: 'Collision', context: { known: { copy } } });
    expect(state.context.known.lastError).toContain('quay.io');
    expect(start({}, collides, { type: 'turn.came' }).value).toBe('Collision');
    expect(start({}, collides, { type: 'retry.due' }).value).toBe('Scheduled');
  });

  test('ends where no resource has a place for it', () => {
    expect(start({ known: there }, { type: 'copy.dropped' })).toMatchObject({ status: 'done' });
  });
});

/** A copy whose effects end as the test says. */
function run(input: Partial<MirroredImageInput> = {}) {
  const signals: AbortSignal[] = [];
  const waiting: ((output: never) => void)[] = [];
  const effect = <Output>() =>
    fromPromise<Output, CopyKey>(({ signal, input: asked }) => {
      expect(asked).toEqual(key);
      signals.push(signal);
      return new Promise<Output>((resolve) => waiting.push(resolve));
    });
  const actor = createActor(
    mirroredImageMachine.provide({
      actors: {
        lookAtCopy: effect<LookOutcome>(),
        copyImage: effect<CopyEnd>(),
        deleteCopy: effect<DeletionOutcome>(),
      },
    }),
    { input: { ...key, known: { copy }, isUnused: false, ...input } },
  );
  actor.start();
  return {
    ...{ actor, signals },
    state: () => actor.getSnapshot(),
    end: async (output: CopyEnd | LookOutcome | DeletionOutcome) => {
      waiting.at(-1)?.(output as never);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const copied: CopyEnd = { kind: 'copied', known: { ...there, mirroredAtMs: 9 } };
const failed = (reason: 'unreachable' | 'denied' | 'collision'): CopyEnd => ({
  ...{ kind: 'failed', side: 'target', reason, message: `it is ${reason}` },
});

describe('an attempt to copy', () => {
  test('begins when its turn has come, and ends with what stands on the mirror', async () => {
    const { actor, state, end } = run();
    actor.send({ type: 'turn.came' });
    expect(state().value).toBe('Copying');
    actor.send({ type: 'push.began' });
    expect(state().context.known).toEqual({ copy, adopted: false });
    await end(copied);
    expect(state().value).toBe('Available');
    expect(state().context.known).toEqual({ ...there, mirroredAtMs: 9 });
  });

  test('that fails waits for what heals it: time, or a change', async () => {
    const waits = { unreachable: 'BackingOff', denied: 'Failed', collision: 'Collision' } as const;
    for (const reason of ['unreachable', 'denied', 'collision'] as const) {
      const { actor, state, end } = run();
      actor.send({ type: 'turn.came' });
      await end(failed(reason));
      expect(state().value).toBe(waits[reason]);
      expect(state().context).toMatchObject({
        ...{ failures: 1, known: { lastError: `it is ${reason}` } },
      });
      actor.send({ type: 'retry.due' });
      actor.send({ type: 'turn.came' });
      await end(copied);
      expect(state().context).toMatchObject({ failures: 0 });
      expect(state().context.known).not.toHaveProperty('lastError');
    }
  });

  test('is aborted when its image is not used any more, or its place is gone', async () => {
    for (const type of ['image.unused', 'copy.dropped'] as const) {
      const { actor, signals } = run();
      actor.send({ type: 'turn.came' });
      actor.send({ type });
      expect(signals[0]?.aborted).toBe(true);
    }
  });
});

describe('a look at a copy', () => {
  test('leaves it as it is, or finds it lost', async () => {
    const found = run({ known: there });
    found.actor.send({ type: 'look.due' });
    expect(found.state().value).toBe('Checking');
    await found.end({ kind: 'present' });
    expect(found.state().value).toBe('Available');
    const unused = run({ known: there, isUnused: true });
    unused.actor.send({ type: 'look.due' });
    await unused.end({ kind: 'unknown' });
    expect(unused.state().value).toBe('Unused');
    const lost = run({ known: there });
    lost.actor.send({ type: 'look.due' });
    await lost.end({ kind: 'lost', message: 'one of its children is gone' });
    expect(lost.state()).toMatchObject({
      ...{ value: 'Scheduled', context: { known: { lastError: 'one of its children is gone' } } },
    });
  });
});

describe('a deletion', () => {
  async function deletion(outcome: DeletionOutcome) {
    const one = run({ known: there, isUnused: true, before: 'Expired' });
    one.actor.send({ type: 'deletion.due' });
    expect(one.state().value).toBe('Deleting');
    await one.end(outcome);
    return one.state();
  }

  test('ends it, or is tried again', async () => {
    expect((await deletion({ kind: 'deleted' })).status).toBe('done');
    expect((await deletion({ kind: 'kept', message: 'another digest' })).status).toBe('done');
    expect((await deletion({ kind: 'wanted' })).value).toBe('Unused');
    expect(await deletion({ kind: 'failed', message: '405' })).toMatchObject({
      ...{ value: 'Expired', context: { failures: 1, known: { ...there, lastError: '405' } } },
    });
  });

  test('of what a Pod wants by now is followed by a look, or ends as it was to', async () => {
    async function wanted(outcome: DeletionOutcome) {
      const one = run({ known: there, isUnused: true, before: 'Expired' });
      one.actor.send({ type: 'deletion.due' });
      one.actor.send({ type: 'image.used' });
      expect(one.signals[0]?.aborted).toBe(false);
      await one.end(outcome);
      return one.state();
    }
    expect((await wanted({ kind: 'deleted' })).status).toBe('done');
    expect((await wanted({ kind: 'wanted' })).value).toBe('Available');
    expect((await wanted({ kind: 'failed', message: 'no answer' })).value).toBe('Checking');
  });
});
