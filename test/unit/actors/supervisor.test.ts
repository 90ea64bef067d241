import { describe, expect, test } from 'vitest';
import { assign, createActor, fromCallback, fromPromise, setup } from 'xstate';
import { supervise } from '#actors/supervisor.ts';
import { restartDelayMsMax, vitalWindowMs } from '#core/restart.ts';
import { effect } from '#machines/effect.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

/** Everything that went wrong in one actor, in one machine: it throws, breaks, ends, or checks. */
const subjectMachine = setup({
  types: {
    input: {} as { readonly name: string },
    context: {} as { readonly name: string; readonly checks: number },
    events: {} as { type: 'throw' } | { type: 'break' } | { type: 'end' } | { type: 'check' },
  },
  actors: {
    check: effect<'Available', string>('check'),
    breaks: fromPromise<void>(() => Promise.reject(new Error('the effect rejected'))),
  },
  actions: {
    fall: assign(() => {
      throw new Error('thrown in an action');
    }),
    count: assign({ checks: ({ context }) => context.checks + 1 }),
  },
}).createMachine({
  id: 'subject',
  context: ({ input }) => ({ name: input.name, checks: 0 }),
  initial: 'Scheduled',
  states: {
    Scheduled: {
      on: {
        throw: { actions: 'fall' },
        break: 'Breaking',
        end: 'Expired',
        check: 'Checking',
      },
    },
    Checking: {
      entry: 'count',
      on: { throw: { actions: 'fall' } },
      invoke: {
        src: 'check',
        input: ({ context }) => context.name,
        onDone: 'Scheduled',
      },
    },
    Breaking: { invoke: { src: 'breaks' } },
    Expired: { type: 'final' },
  },
});

function start(policy: 'object' | 'vital', logic: typeof subjectMachine = subjectMachine) {
  const runtime = createTestRuntime();
  const { clock } = runtime;
  /** Who crashed and why, as the log has it. */
  const crashes = () =>
    runtime
      .lines()
      .filter(({ msg }) => msg === 'an actor crashed')
      .map(({ actor, err }) => [actor, (err as Error).message]);
  const root = createActor(supervise(runtime, { type: 'subject', logic, policy }));
  const failures: unknown[] = [];
  root.subscribe({ error: (error) => failures.push(error) });
  root.start();
  const add = (key: string) => root.send({ type: 'child.add', key, input: { name: key } });
  const child = (key: string) => root.getSnapshot().children.get(key);
  return { runtime, clock, crashes, root, failures, add, child };
}

describe('a supervisor', () => {
  test('finds a child by its key, and the system finds it by type and key', () => {
    const { root, add, child } = start('object');
    add('a');
    expect(child('a')?.getSnapshot().context.name).toBe('a');
    expect(root.system.get('subject:a')).toBe(child('a'));
    root.stop();
  });

  test('adds a key once and forgets a child that is removed', () => {
    const { root, add, child } = start('object');
    add('a');
    const first = child('a');
    add('a');
    expect(child('a')).toBe(first);
    root.send({ type: 'child.remove', key: 'a' });
    root.send({ type: 'child.remove', key: 'a' });
    expect(child('a')).toBeUndefined();
    expect(first?.getSnapshot().status).toBe('stopped');
    root.stop();
  });

  test('forgets a child whose life came to its end', () => {
    const { root, add, child, crashes } = start('object');
    add('a');
    child('a')?.send({ type: 'end' });
    expect(child('a')).toBeUndefined();
    expect(root.system.get('subject:a')).toBeUndefined();
    expect(crashes()).toEqual([]);
    root.stop();
  });

  test('stopping it stops every child, those of nested supervisors too', () => {
    const runtime = createTestRuntime();
    const stopped: string[] = [];
    const leaf = fromCallback<{ type: 'none' }, string>(
      ({ input }) =>
        () =>
          stopped.push(input),
    );
    const inner = supervise(runtime, { type: 'leaf', logic: leaf, policy: 'object' });
    const root = createActor(supervise(runtime, { type: 'inner', logic: inner, policy: 'object' }));
    root.start();
    root.send({ type: 'child.add', key: 'i', input: undefined });
    const ref = root.getSnapshot().children.get('i');
    ref?.send({ type: 'child.add', key: 'x', input: 'x' });
    ref?.send({ type: 'child.add', key: 'y', input: 'y' });
    root.stop();
    expect(stopped).toEqual(['y', 'x']);
  });
});

describe('what belongs to one object', () => {
  test.each(['throw', 'break'] as const)(
    'is restarted after it crashed by a %s, its siblings untouched',
    async (how) => {
      const { runtime, root, clock, add, child, crashes } = start('object');
      add('a');
      add('b');
      const sibling = child('b');
      child('a')?.send({ type: how });
      await Promise.resolve();
      await Promise.resolve();
      expect(child('a')).toBeUndefined();
      expect(root.getSnapshot().broken.get('a')).toMatchObject({ crashes: 1, retryAtMs: 1_000 });
      clock.advance(999);
      expect(child('a')).toBeUndefined();
      clock.advance(1);
      expect(child('a')?.getSnapshot()).toMatchObject({
        value: 'Scheduled',
        context: { name: 'a' },
      });
      expect(root.getSnapshot().broken.size).toBe(0);
      expect(child('b')).toBe(sibling);
      const why = how === 'throw' ? 'thrown in an action' : 'the effect rejected';
      expect(crashes()).toEqual([['subject:a', why]]);
      expect(await runtime.text()).toContain('actor_crashes_total{type="subject"} 1');
      root.stop();
    },
  );

  test('is restarted for ever, after delays that double up to five minutes', () => {
    const { root, clock, add, child } = start('object');
    add('a');
    const delaysMs: number[] = [];
    for (let crash = 0; crash < 12; crash++) {
      const crashedMs = clock.now();
      child('a')?.send({ type: 'throw' });
      const retryAtMs = root.getSnapshot().broken.get('a')!.retryAtMs;
      delaysMs.push(retryAtMs - crashedMs);
      clock.advance(retryAtMs - crashedMs);
    }
    const seconds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300];
    expect(delaysMs.map((delayMs) => delayMs / 1_000)).toEqual(seconds);
    clock.advance(2 * restartDelayMsMax);
    child('a')?.send({ type: 'throw' });
    expect(root.getSnapshot().broken.get('a')?.crashes).toBe(1);
    root.stop();
  });

  test('is not restarted once it was removed', () => {
    const { root, clock, add, child } = start('object');
    add('a');
    child('a')?.send({ type: 'throw' });
    root.send({ type: 'child.remove', key: 'a' });
    clock.advance(restartDelayMsMax);
    expect([child('a'), root.getSnapshot().broken.size, clock.size]).toEqual([undefined, 0, 0]);
    root.stop();
  });

  test('leaves no effect running when it throws with one in flight', () => {
    const signals: AbortSignal[] = [];
    const hanging = subjectMachine.provide({
      actors: { check: effectThat((signal) => signals.push(signal)) },
    });
    const { root, add, child } = start('object', hanging);
    add('a');
    child('a')?.send({ type: 'check' });
    expect(signals.map((signal) => signal.aborted)).toEqual([false]);
    child('a')?.send({ type: 'throw' });
    expect(signals.map((signal) => signal.aborted)).toEqual([true]);
    root.stop();
  });
});

describe('what the process cannot live without', () => {
  test('is restarted at once, three times in five seconds; then the supervisor fails', () => {
    const { root, add, child, failures, crashes } = start('vital');
    add('a');
    add('b');
    const sibling = child('b');
    for (let crash = 0; crash < 3; crash++) {
      child('a')?.send({ type: 'throw' });
      expect(child('a')?.getSnapshot().value).toBe('Scheduled');
    }
    expect(failures).toEqual([]);
    child('a')?.send({ type: 'throw' });
    expect(crashes()).toHaveLength(4);
    expect(root.getSnapshot().status).toBe('error');
    expect((failures[0] as Error).message).toMatch(/^subject:a crashed/);
    expect(sibling?.getSnapshot().status).toBe('stopped');
  });

  test('may crash now and then for ever', () => {
    const { root, clock, add, child, failures } = start('vital');
    add('a');
    for (let crash = 0; crash < 20; crash++) {
      child('a')?.send({ type: 'throw' });
      clock.advance(vitalWindowMs / 3 + 1);
    }
    expect([failures, root.getSnapshot().status]).toEqual([[], 'active']);
    root.stop();
  });
});

test('a check cycle among 20,000 children with as many timers takes under a millisecond', async () => {
  const runtime = createTestRuntime();
  const { clock } = runtime;
  const checking = subjectMachine.provide({
    actors: { check: effectOf(() => Promise.resolve('Available' as const)) },
  });
  const root = createActor(
    supervise(runtime, { type: 'subject', logic: checking, policy: 'object' }),
    { clock },
  );
  root.start();
  for (let index = 0; index < 20_000; index++) {
    const key = `registry.example.com/app:${index}`;
    root.send({ type: 'child.add', key, input: { name: key } });
    clock.after(3_600_000 + index, () => root.getSnapshot().children.get(key));
  }
  const cycles = 500;
  const startMs = performance.now();
  for (let index = 0; index < cycles; index++) {
    const ref = root.getSnapshot().children.get(`registry.example.com/app:${index * 40}`)!;
    ref.send({ type: 'check' });
    await Promise.resolve();
    while (ref.getSnapshot().value !== 'Scheduled') await Promise.resolve();
  }
  const cycleMs = (performance.now() - startMs) / cycles;
  expect(
    root.getSnapshot().children.get('registry.example.com/app:40')?.getSnapshot().context.checks,
  ).toBe(1);
  root.stop();
  expect(cycleMs).toBeLessThan(1);
});

function effectThat(seen: (signal: AbortSignal) => void) {
  return effectOf((signal) => {
    seen(signal);
    return new Promise<'Available'>(() => {});
  });
}

function effectOf(run: (signal: AbortSignal) => Promise<'Available'>) {
  return fromPromise<'Available', string>(({ signal }) => run(signal));
}
