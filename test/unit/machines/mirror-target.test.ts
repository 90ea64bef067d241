import { describe, expect, test } from 'vitest';
import { initialTransition, transition } from 'xstate';
import { type MirrorSetEvent, mirrorSetMachine } from '#machines/mirror-set.ts';
import { type MirrorTargetEvent, mirrorTargetMachine } from '#machines/mirror-target.ts';

function start(...events: readonly MirrorTargetEvent[]) {
  let [state] = initialTransition(mirrorTargetMachine, { target: 'mirror.example.com/m' });
  for (const event of events) [state] = transition(mirrorTargetMachine, state, event);
  return state;
}

const wanted = { type: 'copies.wanted' } as const;
const failed = { type: 'target.failed', message: 'refused' } as const;

describe('a mirror', () => {
  test('works while copies are wanted', () => {
    expect(start().value).toBe('Idle');
    expect(start(wanted).value).toBe('Working');
    expect(start(wanted, { type: 'copies.done' }).value).toBe('Idle');
  });

  test('backs off as a whole when its registry fails, whatever was in flight then', () => {
    const state = start(wanted, failed, { ...failed, message: 'too late' });
    expect(state).toMatchObject({
      ...{ value: 'BackingOff', context: { failures: 1, trouble: 'refused', retryAtMs: null } },
    });
  });

  test('goes on at once when its registry answers', () => {
    const state = start(wanted, failed, { type: 'target.answered' });
    expect(state).toMatchObject({ value: 'Working', context: { failures: 0, trouble: null } });
  });
});

describe('a resource', () => {
  test('is planned, works, waits, and ends when it is deleted', () => {
    const run = (...types: readonly MirrorSetEvent['type'][]) => {
      let [state] = initialTransition(mirrorSetMachine, { resource: 'ImageSetMirror/a/b' });
      for (const type of types) [state] = transition(mirrorSetMachine, state, { type });
      return state.value;
    };
    expect(run()).toBe('Planning');
    expect(run('copies.wanted')).toBe('Working');
    expect(run('copies.wanted', 'copies.done')).toBe('Waiting');
    expect(run('copies.done', 'plan.began')).toBe('Planning');
    expect(run('copies.done', 'set.deleted')).toBe('Finalizing');
    expect(run('copies.done', 'set.deleted', 'plan.began')).toBe('Finalizing');
  });
});
