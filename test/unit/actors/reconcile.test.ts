import { describe, expect, onTestFinished, test } from 'vitest';
import { createActor } from 'xstate';
import { type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import { supervise } from '#actors/supervisor.ts';
import type { WorkInput } from '#machines/reconcile.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

/** Standing work in simulated time: at most a round a second, retried after 15 s. */
function start(
  answer: (round: WorkInput & { signal: AbortSignal }) => Promise<RoundOutcome> = done,
) {
  const runtime = createTestRuntime();
  const { clock } = runtime;
  const startsMs: number[] = [];
  let watching = 0;
  let changed = () => {};
  const logic = reconcileLogic(runtime, {
    ...{ settleMs: 0, paceMs: 1_000 },
    work: (input, signal) => {
      startsMs.push(clock.now());
      expect(signal.aborted).toBe(false);
      return answer({ signal, ...input });
    },
    watch: (tell) => {
      watching += 1;
      changed = tell;
      return () => {
        watching -= 1;
      };
    },
  });
  const root = createActor(supervise(runtime, { type: 'reconcile', logic, policy: 'object' }), {
    clock,
  });
  root.start();
  onTestFinished(() => void root.stop());
  root.send({ type: 'child.add', key: 'it', input: undefined });
  const find = () => root.getSnapshot().children.get('it');
  const advance = async (durationMs: number) => {
    for (let passed = 0; passed < durationMs; passed += 100) {
      clock.advance(Math.min(100, durationMs - passed));
      await settle();
    }
  };
  return {
    ...{ runtime, root, startsMs, advance, find },
    state: () => find()?.getSnapshot().value,
    watching: () => watching,
    changed: () => changed(),
  };
}

const done = async (): Promise<RoundOutcome> => ({ kind: 'done' });
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const failed = (more: { quietMs?: number } = {}): RoundOutcome => ({
  ...{ kind: 'failed', message: 'away', retryInMs: 15_000 },
  ...more,
});

describe('standing work', () => {
  test('the first round comes at once, a burst of changes in one round a second later', async () => {
    const { startsMs, advance, changed, state } = start();
    await advance(0.5);
    for (let changes = 0; changes < 100; changes += 1) changed();
    expect(state()).toBe('Settling');
    await advance(10_000);
    expect(startsMs).toHaveLength(2);
    expect(startsMs[1]).toBeGreaterThanOrEqual(1_000);
    expect(state()).toBe('Idle');
  });

  test('what changes during a round is not lost', async () => {
    const { promise, resolve } = Promise.withResolvers<RoundOutcome>();
    const { startsMs, advance, changed, state } = start(() => promise);
    await advance(500);
    changed();
    expect(state()).toEqual({ Working: 'Outdated' });
    await advance(5_000);
    expect(startsMs).toHaveLength(1);
    resolve({ kind: 'done' });
    await advance(2_000);
    expect(startsMs).toHaveLength(2);
  });

  test('a round says when the next is due, and one that failed is tried again', async () => {
    const ends: RoundOutcome[] = [{ kind: 'done', dueInMs: 60_000 }, failed()];
    const { startsMs, advance, state, find } = start(async () => ends.shift() ?? done());
    await advance(61_000);
    expect([state(), find()?.getSnapshot().context.trouble]).toEqual(['BackingOff', 'away']);
    await advance(139_000);
    expect(startsMs).toHaveLength(3);
    expect((startsMs[2] ?? 0) - (startsMs[1] ?? 0)).toBeGreaterThanOrEqual(15_000);
    expect(find()?.getSnapshot().context).toMatchObject({ trouble: null, failures: 0 });
  });

  test('a round knows how many failed before it', async () => {
    const seen: number[] = [];
    const { advance } = start(async ({ failures }) => {
      seen.push(failures);
      return seen.length < 3 ? failed() : done();
    });
    await advance(31_000);
    expect(seen).toEqual([0, 1, 2]);
  });

  test('a round that says nothing more is to be paced has its own pace', async () => {
    const { startsMs, advance, changed } = start(async () => ({ kind: 'done', paceMs: 10_000 }));
    await advance(500);
    changed();
    await advance(9_000);
    expect(startsMs).toHaveLength(1);
    await advance(1_000);
    expect(startsMs).toHaveLength(2);
  });

  test('a change comes before the retry, but not while the server wants to be left alone', async () => {
    const ends: RoundOutcome[] = [failed(), failed({ quietMs: 40_000 })];
    const { startsMs, advance, changed } = start(async () => ends.shift() ?? done());
    await advance(2_000);
    changed();
    await advance(100);
    expect(startsMs).toHaveLength(2);
    changed();
    await advance(39_000);
    expect(startsMs).toHaveLength(2);
    await advance(2_000);
    expect(startsMs).toHaveLength(3);
  });

  test('a bug crashes it: told to log and metric, and restarted with its sources', async () => {
    const { runtime, startsMs, advance, watching } = start(() => Promise.reject(new Error('bug')));
    await advance(500);
    expect([startsMs.length, watching()]).toEqual([1, 0]);
    expect(runtime.lines().filter(({ msg }) => msg === 'an actor crashed')).toMatchObject([
      { level: 'error', actor: 'reconcile:it', err: { message: 'bug' } },
    ]);
    await advance(2_000);
    expect(startsMs).toHaveLength(2);
    expect(await runtime.text()).toContain('actor_crashes_total{type="reconcile"} 2');
  });

  test('once it is stopped there is no further round, and the one in flight is aborted', async () => {
    const signals: AbortSignal[] = [];
    const { root, advance, changed, startsMs, watching } = start(({ signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    await advance(100);
    root.send({ type: 'child.remove', key: 'it' });
    changed();
    await advance(60_000);
    expect([startsMs.length, signals[0]?.aborted, watching()]).toEqual([1, true, 0]);
  });
});

describe('a flush', () => {
  test('waits for company, not for the pace', async () => {
    const { startsMs, advance, find, state } = start();
    await advance(100);
    find()?.send({ type: 'reconcile.flush' });
    find()?.send({ type: 'reconcile.flush' });
    expect(state()).toBe('Flushing');
    await advance(100);
    expect(startsMs).toHaveLength(2);
    expect((startsMs[1] ?? 0) - (startsMs[0] ?? 0)).toBeLessThan(300);
  });

  test('during a round brings another right after it', async () => {
    const { promise, resolve } = Promise.withResolvers<RoundOutcome>();
    const { startsMs, advance, find, state } = start(() => promise);
    await advance(100);
    find()?.send({ type: 'reconcile.flush' });
    expect(state()).toEqual({ Working: 'Awaited' });
    resolve({ kind: 'done' });
    await advance(200);
    expect(startsMs).toHaveLength(2);
  });
});

describe('the end', () => {
  test('of one that has nothing to do comes at once', async () => {
    const { startsMs, advance, find } = start();
    await advance(100);
    const actor = find();
    actor?.send({ type: 'reconcile.end' });
    expect([actor?.getSnapshot().value, find(), startsMs.length]).toEqual(['Ended', undefined, 1]);
  });

  test('does what is left whatever the pace, and tries again until it is done', async () => {
    const ends: RoundOutcome[] = [{ kind: 'done', paceMs: 60_000 }, failed(), failed()];
    const { startsMs, advance, changed, find } = start(async () => ends.shift() ?? done());
    await advance(100);
    changed();
    const actor = find();
    actor?.send({ type: 'reconcile.end' });
    await advance(100);
    expect(actor?.getSnapshot().value).toEqual({ Ending: 'Retrying' });
    await advance(500);
    expect([actor?.getSnapshot().value, startsMs.length]).toEqual(['Ended', 4]);
  });

  test('lets the round in flight finish, and a change brings one more: none is aborted', async () => {
    const rounds: (WorkInput & { signal: AbortSignal })[] = [];
    const ends = [0, 1, 2].map(() => Promise.withResolvers<RoundOutcome>());
    const { advance, changed, find } = start((round) => {
      const end = ends[rounds.length];
      rounds.push(round);
      return end?.promise ?? done();
    });
    await advance(100);
    const actor = find();
    actor?.send({ type: 'reconcile.end' });
    expect(actor?.getSnapshot().value).toEqual({ Working: 'EndAwaited' });
    ends[0]?.resolve({ kind: 'done' });
    await advance(100);
    changed();
    expect(actor?.getSnapshot().value).toEqual({ Ending: { Finishing: 'Outdated' } });
    ends[1]?.resolve({ kind: 'done' });
    await advance(100);
    expect(actor?.getSnapshot().value).toEqual({ Ending: { Finishing: 'Current' } });
    ends[2]?.resolve({ kind: 'done' });
    await advance(100);
    expect(actor?.getSnapshot().value).toBe('Ended');
    expect(rounds.map(({ isLast }) => isLast)).toEqual([false, true, true]);
    expect(rounds.map(({ signal }) => signal.aborted)).toEqual([false, false, false]);
  });

  test('comes by itself when there is nothing left to work on', async () => {
    const { advance, find } = start(async () => ({ kind: 'gone' }));
    await advance(100);
    expect(find()).toBeUndefined();
  });

  test('does not come when something changed while it was found to be gone', async () => {
    const ends = [Promise.withResolvers<RoundOutcome>()];
    const { advance, changed, find, state } = start(() => ends.shift()?.promise ?? done());
    const [first] = ends;
    await advance(100);
    changed();
    first?.resolve({ kind: 'gone' });
    await advance(2_000);
    expect([find() === undefined, state()]).toEqual([false, 'Idle']);
  });
});
