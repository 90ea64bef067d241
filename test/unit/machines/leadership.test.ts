import { describe, expect, test } from 'vitest';
import { type AnyMachineSnapshot, createActor, initialTransition, transition } from 'xstate';
import { leadershipLogic } from '#actors/leader/leadership.ts';
import { holdsLease, leadershipMachine } from '#machines/leadership.ts';
import {
  createElection,
  durationMs,
  renewDeadlineMs,
  retryPeriodMs,
  settle,
} from '#test/support/api-server/election.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

describe('an election', () => {
  test('is won by the first, and its Lease is renewed', async () => {
    const { stand, twin, advance } = createElection();
    const first = stand('a');
    await advance(1_000);
    expect(first.state()).toBe('Leading');
    const taken = twin.record();
    expect(taken).toMatchObject({ holder: 'a', durationMs, transitions: 0 });
    expect(taken?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    await advance(60_000);
    expect(first.state()).toBe('Leading');
    expect(twin.record()?.acquireTime).toBe(taken?.acquireTime);
    expect(twin.record()?.renewTime).not.toBe(taken?.renewTime);
    first.actor.stop();
  });

  test('never has two leaders, and a release is taken up within three seconds', async () => {
    const { stand, twin, advance, leading, leadingMost } = createElection();
    const first = stand('a');
    await advance(500);
    const second = stand('b');
    await advance(60_000);
    expect([...leading]).toEqual(['a']);
    expect(second.actor.getSnapshot().context.holder).toBe('a');
    first.actor.send({ type: 'leadership.release' });
    await advance(100);
    expect([first.state(), first.actor.getSnapshot().status]).toEqual(['Released', 'done']);
    expect(twin.record()?.holder).toBe('');
    await advance(3_000);
    expect([...leading]).toEqual(['b']);
    expect(twin.record()).toMatchObject({ holder: 'b', transitions: 1 });
    expect(leadingMost()).toBe(1);
    second.actor.stop();
  });

  test.each(['cut', 'hung'] as const)(
    'is given up at the renew deadline when calls are %s, before another may win',
    async (how) => {
      const { stand, advance, leading, leadingMost } = createElection();
      const first = stand('a');
      await advance(500);
      const second = stand('b');
      await advance(5_000);
      first.trouble[how] = true;
      await advance(renewDeadlineMs - retryPeriodMs * 1.2);
      expect([...leading]).toEqual(['a']);
      await advance(retryPeriodMs * 1.2);
      expect([...leading]).toEqual([]);
      expect(first.actor.getSnapshot().context.trouble).toBe(
        'The Lease was not renewed for 10000 ms.',
      );
      await advance(durationMs);
      expect([...leading]).toEqual(['b']);
      first.trouble[how] = false;
      await advance(30_000);
      expect([...leading]).toEqual(['b']);
      expect(leadingMost()).toBe(1);
      first.actor.stop();
      second.actor.stop();
    },
  );

  test('begins a new term for a leader that was stopped, though its Lease be free again', async () => {
    const { stand, twin, advance, terms } = createElection();
    const own = createSimulatedTimerHeap();
    const first = stand('a', own);
    own.advance(1_000);
    await settle();
    expect(terms).toEqual(['a']);
    const second = stand('b');
    await advance(durationMs + retryPeriodMs * 2);
    second.actor.send({ type: 'leadership.release' });
    await advance(100);
    expect(twin.record()?.holder).toBe('');
    // It is woken: for it all that time passes at once.
    own.advance(durationMs + retryPeriodMs * 2);
    await settle();
    for (let tries = 0; tries < 60; tries += 1) {
      own.advance(100);
      await settle();
    }
    expect(terms).toEqual(['a', 'b', 'a']);
    expect(first.state()).toBe('Leading');
    first.actor.stop();
  });

  test('survives one call that never answers: there is time for another', async () => {
    const { stand, advance, leading } = createElection();
    const first = stand('a');
    await advance(500);
    first.trouble.hung = 'once';
    await advance(renewDeadlineMs * 3);
    expect([...leading]).toEqual(['a']);
    expect(first.actor.getSnapshot().context.trouble).toBeNull();
    first.actor.stop();
  });

  test('leaves a throttling server alone as long as it asks, and still tries before the deadline', async () => {
    const { stand, advance, leading } = createElection();
    const first = stand('a');
    const callsIn = async (durationMs: number) => {
      const before = first.trouble.calls ?? 0;
      await advance(durationMs);
      return (first.trouble.calls ?? 0) - before;
    };
    await advance(500);
    first.trouble.throttledMs = 4_000;
    // The first is refused after the retry period; the next comes when half of what remains is over.
    expect(await callsIn(5_000)).toBe(1);
    first.trouble.throttledMs = undefined;
    await advance(2_000);
    expect([...leading]).toEqual(['a']);
    first.trouble.throttledMs = 60_000;
    await advance(renewDeadlineMs + 2_000);
    expect([...leading]).toEqual([]);
    // Thirty seconds at least between two attempts at a Lease that nobody holds.
    expect(await callsIn(25_000)).toBeLessThanOrEqual(1);
    first.trouble.throttledMs = undefined;
    await advance(30_000);
    expect([...leading]).toEqual(['a']);
    first.actor.stop();
  });

  test('is lost at once when another is found to hold the Lease', async () => {
    const { stand, twin, advance, leading } = createElection();
    const first = stand('a');
    await advance(500);
    twin.edit({ ...twin.record()!, holder: 'kuik-v2' });
    await advance(3_000);
    expect([...leading]).toEqual([]);
    expect(first.actor.getSnapshot().context.trouble).toBe('Another process holds the Lease.');
    first.actor.stop();
  });

  test('goes on when somebody only touched the Lease', async () => {
    const { stand, twin, advance, leading } = createElection();
    const first = stand('a');
    await advance(500);
    twin.edit(twin.record()!);
    await advance(30_000);
    expect([...leading]).toEqual(['a']);
    first.actor.stop();
  });

  test('does not trust the clock of the holder: a Lease is old when it stood still before our eyes', async () => {
    const { stand, twin, advance, leading } = createElection();
    const longAgo = '2001-01-01T00:00:00.000000Z';
    const record = { holder: 'z', durationMs, acquireTime: longAgo, renewTime: longAgo };
    twin.edit({ ...record, transitions: 3 });
    const first = stand('a');
    await advance(durationMs - retryPeriodMs);
    expect([...leading]).toEqual([]);
    await advance(2 * retryPeriodMs * 1.2);
    expect([...leading]).toEqual(['a']);
    expect(twin.record()?.transitions).toBe(4);
    first.actor.stop();
  });

  test('stopping the actor ends the leading at once', async () => {
    const { stand, advance, leading, clock } = createElection();
    const first = stand('a');
    await advance(500);
    first.actor.stop();
    expect([...leading]).toEqual([]);
    await settle();
    expect(clock.size).toBe(0);
  });

  test('without an election the process leads at once and until it stops', async () => {
    const news: boolean[] = [];
    const logic = leadershipLogic({
      clock: createSimulatedTimerHeap(),
      ...{ now: () => 0, random: () => 0 },
      lead: ({ unrecordedUntilMs }) => {
        expect(unrecordedUntilMs).toBe('unknown');
        news.push(true);
      },
      follow: () => news.push(false),
    });
    const actor = createActor(logic, { input: { elect: false, renewDeadlineMs: 0 } });
    actor.start();
    expect(actor.getSnapshot().value).toBe('Leading');
    expect(holdsLease(actor.getSnapshot().context, 1e12)).toBe(true);
    actor.send({ type: 'leadership.release' });
    await settle();
    expect([actor.getSnapshot().value, news]).toEqual(['Released', [true, false]]);
  });
});

describe('the leadership machine', () => {
  const input = { elect: true, renewDeadlineMs };
  const reach = (...events: { type: string }[]): AnyMachineSnapshot => {
    let [snapshot] = initialTransition(leadershipMachine, input);
    for (const event of events)
      [snapshot] = transition(leadershipMachine, snapshot, event as never);
    return snapshot;
  };
  const due = { type: 'xstate.after.retryDelay.leadership.Following' };
  const done = (state: string, output: unknown) => ({
    type: `xstate.done.actor.0.leadership.${state}`,
    output,
  });
  const threw = (state: string) => ({
    type: `xstate.error.actor.0.leadership.${state}`,
    error: new Error('a bug'),
  });
  const won = done('Acquiring', { kind: 'acquired', holder: 'a', atMs: 5_000, retryInMs: 1 });

  test('leads from an acquired Lease on, as long as it is renewed in time', () => {
    const snapshot = reach(due, won);
    expect(snapshot.value).toBe('Leading');
    expect(holdsLease(snapshot.context, 5_000 + renewDeadlineMs - 1)).toBe(true);
    expect(holdsLease(snapshot.context, 5_000 + renewDeadlineMs)).toBe(false);
    const renewed = reach(due, won, { type: 'lease.renewed', atMs: 9_000 } as never);
    expect(holdsLease(renewed.context, 9_000 + renewDeadlineMs - 1)).toBe(true);
  });

  test('follows once its Lease is lost, and remembers why', () => {
    const output = { message: 'taken', retryInMs: 3 };
    expect(reach(due, won, { type: 'xstate.done.actor.lease', output } as never)).toMatchObject({
      value: 'Following',
      context: { holder: null, renewedAtMs: null, retryInMs: 3, trouble: 'taken' },
    });
  });

  test('remembers what an attempt found, and waits as long as it was told', () => {
    const observed = { record: { holder: 'b' }, sinceMs: 3 };
    const held = reach(
      due,
      done('Acquiring', { kind: 'held', holder: 'b', observed, retryInMs: 9 }),
    );
    expect(held).toMatchObject({
      value: 'Following',
      context: { holder: 'b', observed, retryInMs: 9, trouble: null },
    });
    const failed = reach(due, done('Acquiring', { kind: 'failed', message: 'away', retryInMs: 7 }));
    expect(failed).toMatchObject({
      value: 'Following',
      context: { trouble: 'away', retryInMs: 7 },
    });
  });

  test('a release ends it from every state', () => {
    const release = { type: 'leadership.release' };
    expect(reach(release).value).toBe('Released');
    expect(reach(due, release).value).toBe('Releasing');
    expect(reach(due, won, release).value).toBe('Releasing');
    const released = reach(due, won, release, done('Releasing', { kind: 'released' }));
    expect([released.value, released.status]).toEqual(['Released', 'done']);
  });

  test.each([
    ['Acquiring', [due, threw('Acquiring')]],
    ['Releasing', [due, { type: 'leadership.release' }, threw('Releasing')]],
  ])('an effect of %s that throws crashes it with its own error', (_, events) => {
    expect(reach(...events)).toMatchObject({ status: 'error', error: new Error('a bug') });
  });
});
