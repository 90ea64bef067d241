import { describe, expect, test } from 'vitest';
import { createActor, fromPromise } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { type PingOutcome, registryMachine, type WaitInput } from '#machines/registry.ts';

/** The machine with a registry that answers its background probes as told, one by one. */
function start() {
  const pings: ((outcome: PingOutcome | Error) => void)[] = [];
  const waits: { delayMs: number; pass: () => void }[] = [];
  const actor = createActor(
    registryMachine.provide({
      actors: {
        ping: fromPromise<PingOutcome, { readonly host: string }>(
          () =>
            new Promise((resolve, reject) =>
              pings.push((outcome) =>
                outcome instanceof Error ? reject(outcome) : resolve(outcome),
              ),
            ),
        ),
        wait: fromPromise<void, WaitInput>(
          ({ input }) =>
            new Promise((resolve) => waits.push({ delayMs: input.delayMs, pass: resolve })),
        ),
      },
    }),
    { input: { host: 'registry.example.com' } },
  );
  actor.start();
  const at = (): unknown => actor.getSnapshot().value;
  const answer = async (outcome: PingOutcome | Error): Promise<void> => {
    pings.shift()?.(outcome);
    await new Promise((resolve) => setImmediate(resolve));
  };
  const pass = async (): Promise<number | undefined> => {
    const wait = waits.shift();
    wait?.pass();
    await new Promise((resolve) => setImmediate(resolve));
    return wait?.delayMs;
  };
  return { actor, at, answer, pass, pings, waits };
}

const known = (reachability: string, quota = 'Free') => ({ Known: { reachability, quota } });
const dead: PingOutcome = { kind: 'dead', message: 'refused' };
const failed = { type: 'connection.failed', message: 'timed out' } as const;

describe('the reachability of a registry', () => {
  test('is closed at first, and no background probe is sent', () => {
    const { actor, at, pings } = start();
    expect([at(), pings.length]).toEqual([known('Closed'), 0]);
    actor.stop();
  });

  test('becomes suspect with one failed connection, and a background probe is sent at once', () => {
    const { actor, at, pings } = start();
    actor.send(failed);
    expect([at(), pings.length]).toEqual([known('Suspect'), 1]);
    expect(actor.getSnapshot().context.trouble).toBe('timed out');
    actor.stop();
  });

  test('closes again when the background probe is answered: a slow image is no dead registry', async () => {
    const { actor, at, answer } = start();
    actor.send(failed);
    await answer({ kind: 'alive' });
    expect(at()).toEqual(known('Closed'));
    expect(actor.getSnapshot().context.trouble).toBeNull();
    actor.stop();
  });

  test('opens only when the background probe failed as well', async () => {
    const { actor, at, answer } = start();
    for (let failure = 0; failure < 10; failure++) actor.send(failed);
    expect(at()).toEqual(known('Suspect'));
    await answer(dead);
    expect(at()).toEqual(known('Open'));
    expect(actor.getSnapshot().context).toMatchObject({ failures: 1, trouble: 'refused' });
    actor.stop();
  });

  test('is probed after 1 s, then doubling to 30 s, for as long as nothing answers', async () => {
    const { actor, at, answer, pass } = start();
    actor.send(failed);
    const delaysMs: (number | undefined)[] = [];
    for (let round = 0; round < 8; round++) {
      await answer(dead);
      delaysMs.push(await pass());
      expect(at()).toEqual(known('HalfOpen'));
    }
    expect(delaysMs).toEqual([1, 2, 4, 8, 16, 30, 30, 30].map((seconds) => seconds * 1_000));
    await answer({ kind: 'alive' });
    expect(at()).toEqual(known('Closed'));
    actor.stop();
  });

  test('starts its delays anew in the next outage', async () => {
    const { actor, answer, pass } = start();
    actor.send(failed);
    for (let round = 0; round < 4; round++) {
      await answer(dead);
      await pass();
    }
    await answer({ kind: 'alive' });
    actor.send(failed);
    await answer(dead);
    expect(await pass()).toBe(1_000);
    actor.stop();
  });

  test('a background probe that rejects is a bug: the actor is broken and says why', async () => {
    const { actor, at, answer } = start();
    actor.send(failed);
    await answer(new Error('undefined is not a function'));
    expect([at(), actor.getSnapshot().status]).toEqual(['Broken', 'done']);
    expect(actor.getSnapshot().context.bug).toBe('undefined is not a function');
  });
});

describe('the quota of a registry', () => {
  test('is throttled from the first credential that must wait until the last that did', () => {
    const { actor, at } = start();
    actor.send({ type: 'quota.exceeded' });
    actor.send({ type: 'quota.exceeded' });
    expect(at()).toEqual(known('Closed', 'Throttled'));
    actor.send({ type: 'quota.renewed' });
    expect(at()).toEqual(known('Closed', 'Free'));
    actor.stop();
  });

  test('changes independently of the reachability', async () => {
    const { actor, at, answer } = start();
    actor.send({ type: 'quota.exceeded' });
    actor.send(failed);
    await answer(dead);
    expect(at()).toEqual(known('Open', 'Throttled'));
    actor.send({ type: 'quota.renewed' });
    expect(at()).toEqual(known('Open', 'Free'));
    actor.stop();
  });
});

test('every state says what it is for, and each can be reached by the events alone', () => {
  const reached = new Set(
    getShortestPaths(registryMachine, {
      input: { host: 'registry.example.com' },
      events: [
        failed,
        { type: 'quota.exceeded' },
        { type: 'quota.renewed' },
        { type: 'xstate.done.actor.suspectPing', output: dead },
      ] as never,
    }).map(({ state }) => JSON.stringify(state.value)),
  );
  expect(reached).toContain(JSON.stringify(known('Open', 'Throttled')));
  for (const { description } of Object.values(registryMachine.root.states)) {
    expect(description).toBeTruthy();
  }
});
