import { describe, expect, onTestFinished, test } from 'vitest';
import { createActor, fromCallback, fromPromise } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import {
  type HostInput,
  type PingOutcome,
  quotasMax,
  type RegistryInput,
  registryMachine,
} from '#machines/registry.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

const slotMs = 10_000;

/** The machine on simulated time, with a registry that answers its background probes as told. */
function start(known: Partial<RegistryInput> = {}) {
  const clock = createSimulatedTimerHeap();
  const pings: { answer: (outcome: PingOutcome | Error) => void; signal: AbortSignal }[] = [];
  let turns = 0;
  let turnsLeft = 0;
  const untilMs = (atMs: number | null): number => Math.max(0, (atMs ?? 0) - clock.now());
  const actor = createActor(
    registryMachine.provide({
      actors: {
        ping: fromPromise<PingOutcome, HostInput>(
          ({ signal }) =>
            new Promise((resolve, reject) => {
              const answer = (outcome: PingOutcome | Error) =>
                outcome instanceof Error ? reject(outcome) : resolve(outcome);
              pings.push({ answer, signal });
            }),
        ),
        line: fromCallback(() => {}),
        turn: fromCallback(() => {
          turns += 1;
          return () => {
            turnsLeft += 1;
          };
        }),
      },
      delays: {
        untilRenewed: ({ context }) =>
          Math.max(...Object.values(context.quotas).map((quota) => untilMs(quota.untilMs))),
        untilSlot: ({ context }) =>
          context.lastMs === null ? 0 : untilMs(context.lastMs + context.slotMs),
        untilReleased: ({ context }) => untilMs(context.heldUntilMs),
      },
    }),
    { input: { host: 'registry.example.com', slotMs, ...known }, clock },
  );
  actor.subscribe({ error: () => {} });
  actor.start();
  onTestFinished(() => void actor.stop());
  const at = () => actor.getSnapshot().value;
  const answer = async (outcome: PingOutcome | Error): Promise<void> => {
    pings.shift()?.answer(outcome);
    await new Promise((resolve) => setImmediate(resolve));
  };
  /** How long it takes until the reachability is another one, to the millisecond. */
  const pass = (): number => {
    const before = at().reachability;
    let passedMs = 0;
    for (; at().reachability === before; passedMs += 1) clock.advance(1);
    return passedMs;
  };
  const counts = () => ({ turns, turnsLeft });
  return { actor, at, answer, pass, pings, clock, counts };
}

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
    const { at, pings } = start();
    expect([at(), pings.length]).toEqual([known('Closed'), 0]);
  });

  test('becomes suspect with one failed connection, and a background probe is sent at once', () => {
    const { actor, at, pings } = start();
    actor.send(failed);
    expect([at(), pings.length]).toEqual([known('Suspect'), 1]);
    expect(actor.getSnapshot().context.trouble).toBe('timed out');
  });

  test('closes again when the background probe is answered: a slow image is no dead registry', async () => {
    const { actor, at, answer } = start();
    actor.send(failed);
    await answer({ kind: 'alive' });
    expect(at()).toEqual(known('Closed'));
    expect(actor.getSnapshot().context.trouble).toBeNull();
  });

  test('opens only when the background probe failed as well', async () => {
    const { actor, at, answer } = start();
    for (let failure = 0; failure < 10; failure++) actor.send(failed);
    expect(at()).toEqual(known('Suspect'));
    await answer(dead);
    expect(at()).toEqual(known('Open'));
    expect(actor.getSnapshot().context).toMatchObject({ failures: 1, trouble: 'refused' });
  });

  test('is probed after 1 s, then doubling to 30 s, for as long as nothing answers', async () => {
    const { actor, at, answer, pass } = start();
    actor.send(failed);
    const delaysMs: number[] = [];
    for (let round = 0; round < 8; round++) {
      await answer(dead);
      delaysMs.push(pass());
      expect(at()).toEqual(known('HalfOpen'));
    }
    expect(delaysMs).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((seconds) => seconds * 1_000));
    await answer({ kind: 'alive' });
    expect(at()).toEqual(known('Closed'));
  });

  test('starts its delays anew in the next outage', async () => {
    const { actor, answer, pass } = start();
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
    const { actor, answer, clock } = start();
    actor.send(failed);
    const bug = new Error('undefined is not a function');
    await answer(bug);
    expect(actor.getSnapshot()).toMatchObject({ status: 'error', error: bug });
    expect(clock.size).toBe(0);
  });

  test('a background probe is called off with its actor', () => {
    const { actor, pings } = start();
    actor.send(failed);
    actor.stop();
    expect(pings[0]?.signal.aborted).toBe(true);
  });
});

describe('the quota of a registry', () => {
  test('is throttled from the first credential that must wait until the last that did', () => {
    const { actor, at, clock } = start();
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

  test('changes independently of the reachability', async () => {
    const { actor, at, answer, clock } = start();
    actor.send(exceeded('anna', 500));
    actor.send(failed);
    await answer(dead);
    expect(at()).toEqual(known('Open', 'Throttled'));
    clock.advance(500);
    expect(at()).toEqual(known('Open', 'Free'));
  });

  test('is that of so many credentials at most: the one told longest ago is forgotten', () => {
    const { actor } = start();
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
    const { at, clock } = start({ quotas });
    expect(at()).toEqual(known('Closed', 'Throttled'));
    clock.advance(5_000);
    expect(at()).toEqual(known('Closed'));
  });
});

describe('the pace of a registry', () => {
  test('is idle while nobody waits, and takes a turn at once where nobody was checked', () => {
    const { actor, at, clock, counts } = start();
    clock.advance(60_000);
    expect(at().pace).toBe('Idle');
    actor.send({ type: 'turns.wanted' });
    expect(at().pace).toBe('Waiting');
    clock.advance(0);
    expect([at().pace, counts()]).toEqual(['Taking', { turns: 1, turnsLeft: 0 }]);
  });

  test('waits a slot from when the request left, however long the turn was taken', () => {
    const { actor, at, clock, counts } = start();
    actor.send({ type: 'turns.wanted' });
    clock.advance(12_000);
    actor.send({ type: 'turns.wanted' });
    expect(at().pace).toBe('Taking');
    actor.send({ type: 'turn.began', atMs: clock.now() });
    expect([at().pace, counts()]).toEqual(['Idle', { turns: 1, turnsLeft: 1 }]);
    actor.send({ type: 'turns.wanted' });
    clock.advance(slotMs - 1);
    expect(at().pace).toBe('Waiting');
    clock.advance(1);
    expect([at().pace, counts()]).toEqual(['Taking', { turns: 2, turnsLeft: 1 }]);
  });

  test('waits longer when it hears of a later check, and no longer when nobody waits', () => {
    const { actor, at, clock } = start({ lastMs: 0 });
    actor.send({ type: 'turns.wanted' });
    clock.advance(5_000);
    actor.send({ type: 'checks.counted', atMs: 3_000 });
    actor.send({ type: 'checks.counted', atMs: 2_000 });
    clock.advance(7_999);
    expect(at().pace).toBe('Waiting');
    actor.send({ type: 'turns.unwanted' });
    clock.advance(60_000);
    expect(at().pace).toBe('Idle');
  });

  test('is held while a quota is used up, whatever the slots, and goes on after that', () => {
    const { actor, at, clock } = start({ lastMs: 0 });
    actor.send({ type: 'turns.wanted' });
    actor.send({ type: 'turn.refused', atMs: 0, untilMs: 30_000 });
    expect(at().pace).toBe('Held');
    clock.advance(29_000);
    actor.send({ type: 'turn.refused', atMs: 29_000, untilMs: 40_000 });
    clock.advance(10_999);
    expect(at().pace).toBe('Held');
    clock.advance(1);
    expect(actor.getSnapshot().context.heldUntilMs).toBeNull();
    clock.advance(0);
    expect(at().pace).toBe('Taking');
  });

  test('remembers a hold that it hears of while a turn is taken, or while nobody waits', () => {
    const { actor, at, clock } = start();
    actor.send({ type: 'turns.wanted' });
    clock.advance(0);
    actor.send({ type: 'turn.refused', atMs: 0, untilMs: 30_000 });
    expect(at().pace).toBe('Taking');
    actor.send({ type: 'turn.began', atMs: 0 });
    actor.send({ type: 'turns.wanted' });
    expect(at().pace).toBe('Held');
    actor.send({ type: 'turns.unwanted' });
    expect(at().pace).toBe('Idle');
    actor.send({ type: 'turns.wanted' });
    expect(at().pace).toBe('Held');
  });

  test('guesses growing holds where nothing is said, and short ones after an answer', () => {
    const { actor } = start();
    const heldMs = () => {
      actor.send({ type: 'turn.refused', atMs: 0, untilMs: undefined });
      return actor.getSnapshot().context.heldUntilMs;
    };
    expect([heldMs(), heldMs(), heldMs()]).toEqual([20_000, 40_000, 80_000]);
    actor.send({ type: 'turn.answered' });
    expect(actor.getSnapshot().context.guesses).toBe(0);
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
