import { describe, expect, test } from 'vitest';
import { getShortestPaths } from 'xstate/graph';
import { type PingOutcome, quotasMax, registryMachine } from '#machines/registry.ts';
import { slotMs, startChart } from '#test/support/registries/registry-chart.ts';

const known = (reachability: string, quota = 'Free', pace = 'Idle') => ({
  reachability,
  quota,
  pace,
});
const dead: PingOutcome = { kind: 'dead', message: 'refused' };
const failed = { type: 'connection.failed', message: 'timed out' } as const;
const exceeded = (credential: string, untilMs: number) =>
  ({ type: 'quota.exceeded', credential, untilMs, retryAtMs: untilMs, message: '429' }) as const;

describe('the reachability of a registry', () => {
  test('is closed at first, and no background probe is sent', () => {
    const { at, pings } = startChart();
    expect([at(), pings.length]).toEqual([known('Closed'), 0]);
  });

  test('becomes suspect with one failed connection, and a background probe is sent at once', () => {
    const { actor, at, pings } = startChart();
    actor.send(failed);
    expect([at(), pings.length]).toEqual([known('Suspect'), 1]);
    expect(actor.getSnapshot().context.trouble).toBe('timed out');
  });

  test('closes again when the background probe is answered: a slow image is no dead registry', async () => {
    const { actor, at, answer } = startChart();
    actor.send(failed);
    await answer({ kind: 'alive' });
    expect(at()).toEqual(known('Closed'));
    expect(actor.getSnapshot().context.trouble).toBeNull();
  });

  test('opens only when the background probe failed as well', async () => {
    const { actor, at, answer } = startChart();
    for (let failure = 0; failure < 10; failure++) actor.send(failed);
    expect(at()).toEqual(known('Suspect'));
    await answer(dead);
    expect(at()).toEqual(known('Open'));
    expect(actor.getSnapshot().context).toMatchObject({ failures: 1, trouble: 'refused' });
  });

  test('is probed after 1 s, then doubling to 5 s, for as long as nothing answers', async () => {
    const { actor, at, answer, pass } = startChart();
    actor.send(failed);
    const delaysMs: number[] = [];
    for (let round = 0; round < 8; round++) {
      await answer(dead);
      delaysMs.push(pass());
      expect(at()).toEqual(known('HalfOpen'));
    }
    expect(delaysMs).toEqual([1, 2, 4, 5, 5, 5, 5, 5].map((seconds) => seconds * 1_000));
    await answer({ kind: 'alive' });
    expect(at()).toEqual(known('Closed'));
  });

  test.each(['Suspect', 'Open', 'HalfOpen'])(
    'closes from %s with any request that is answered, which calls the background probe off',
    async (from) => {
      const { actor, at, answer, pass, pings, clock } = startChart();
      actor.send(failed);
      if (from !== 'Suspect') await answer(dead);
      if (from === 'HalfOpen') pass();
      expect(at()).toEqual(known(from));
      actor.send({ type: 'request.answered' });
      expect(at()).toEqual(known('Closed'));
      expect(actor.getSnapshot().context).toMatchObject({ trouble: null, failures: 0 });
      expect(pings.every(({ signal }) => signal.aborted)).toBe(true);
      expect(clock.size).toBe(0);
    },
  );

  test('starts its delays anew in the next outage', async () => {
    const { actor, answer, pass } = startChart();
    actor.send(failed);
    for (let round = 0; round < 4; round++) {
      await answer(dead);
      pass();
    }
    await answer({ kind: 'alive' });
    actor.send(failed);
    await answer(dead);
    expect(pass()).toBe(1_000);
  });

  test('a background probe that rejects is a bug: the actor crashes with it', async () => {
    const { actor, answer, clock } = startChart();
    actor.send(failed);
    const bug = new Error('undefined is not a function');
    await answer(bug);
    expect(actor.getSnapshot()).toMatchObject({ status: 'error', error: bug });
    expect(clock.size).toBe(0);
  });

  test('a background probe is called off with its actor', () => {
    const { actor, pings } = startChart();
    actor.send(failed);
    actor.stop();
    expect(pings[0]?.signal.aborted).toBe(true);
  });
});

describe('the quota of a registry', () => {
  test('is throttled from the first credential that must wait until the last that did', () => {
    const { actor, at, clock } = startChart();
    actor.send(exceeded('anna', 20_000));
    actor.send(exceeded('bert', 10_000));
    expect(at()).toEqual(known('Closed', 'Throttled'));
    expect(actor.getSnapshot().context.quotas).toMatchObject({ anna: { untilMs: 20_000 } });
    clock.advance(19_999);
    expect(at()).toEqual(known('Closed', 'Throttled'));
    clock.advance(1);
    expect(at()).toEqual(known('Closed', 'Free'));
    expect(actor.getSnapshot().context.quotas).toEqual({});
  });

  test('changes independently of the reachability and the pace', async () => {
    const { actor, at, answer, clock } = startChart();
    actor.send(exceeded('anna', 500));
    actor.send(failed);
    await answer(dead);
    actor.send({ type: 'turns.wanted' });
    actor.send({ type: 'checks.counted', atMs: 0 });
    expect(at()).toEqual(known('Open', 'Throttled', 'Waiting'));
    actor.send({ type: 'turn.refused', atMs: 0, untilMs: 60_000 });
    actor.send({ type: 'turn.refused', atMs: 0, untilMs: 70_000 });
    actor.send(exceeded('bert', 600));
    expect(at()).toEqual(known('Open', 'Throttled', 'Held'));
    clock.advance(600);
    expect(at()).toEqual(known('Open', 'Free', 'Held'));
  });

  test('is that of so many credentials at most: the one told longest ago is forgotten', () => {
    const { actor } = startChart();
    for (let index = 0; index <= quotasMax; index++) actor.send(exceeded(`c${index}`, 1_000));
    actor.send(exceeded('c1', 2_000));
    actor.send(exceeded('another', 1_000));
    const names = Object.keys(actor.getSnapshot().context.quotas);
    expect(names).toHaveLength(quotasMax);
    expect(names).not.toContain('c0');
    expect(names).not.toContain('c2');
    expect(names.slice(-2)).toEqual(['c1', 'another']);
  });

  test('is known to an actor that begins with what a crashed one knew', () => {
    const quotas = { anna: { untilMs: 5_000, retryAtMs: 5_000, message: '429' } };
    const { at, clock } = startChart({ quotas });
    expect(at()).toEqual(known('Closed', 'Throttled'));
    clock.advance(5_000);
    expect(at()).toEqual(known('Closed'));
  });
});

test('every state says what it is for, and each can be reached by the events alone', () => {
  const reached = new Set(
    getShortestPaths(registryMachine, {
      input: { host: 'registry.example.com', slotMs },
      events: [
        failed,
        exceeded('anna', 1_000),
        { type: 'turns.wanted' },
        { type: 'turn.refused', atMs: 0, untilMs: 1_000 },
        { type: 'xstate.done.actor.suspectPing', output: dead },
      ] as never,
    }).map(({ state }) => JSON.stringify(state.value)),
  );
  expect(reached).toContain(JSON.stringify(known('Open', 'Throttled', 'Held')));
  for (const region of Object.values(registryMachine.root.states)) {
    for (const state of [region, ...Object.values(region.states)]) {
      expect(state.description).toBeTruthy();
    }
  }
});
