import { describe, expect, test } from 'vitest';
import { assign, createActor, fromPromise, setup } from 'xstate';
import { supervise } from '#actors/supervisor.ts';
import { createMetrics } from '#telemetry/metrics.ts';
import { isInState, statesOf } from '#telemetry/states.ts';
import { ringSize, TransitionObserver } from '#telemetry/transitions.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const lampMachine = setup({
  types: { events: {} as { type: 'press' | 'look' | 'smash' | 'unscrew' } },
  actors: { glow: fromPromise(() => new Promise<void>(() => {})) },
  actions: {
    smash: assign(() => {
      throw new Error('glass everywhere');
    }),
  },
}).createMachine({
  id: 'lamp',
  initial: 'Off',
  on: { look: {}, smash: { actions: 'smash' }, unscrew: '.Gone' },
  states: {
    Off: { on: { press: 'On' } },
    On: { invoke: { src: 'glow' }, on: { press: 'Off' } },
    Gone: { type: 'final' },
  },
});

const roomMachine = setup({}).createMachine({
  id: 'room',
  initial: 'Known',
  states: {
    Known: {
      type: 'parallel',
      states: {
        light: { initial: 'Off', states: { Off: {} } },
        door: { initial: 'Shut', states: { Shut: {} } },
      },
    },
  },
});

function start() {
  const runtime = createTestRuntime();
  let nowMs = 1_000;
  const observer = new TransitionObserver({ ...runtime, now: () => nowMs++ });
  const { clock, log, lines } = runtime;
  const root = createActor(
    supervise(runtime, { type: 'lamp', logic: lampMachine, policy: 'object' }),
    { id: 'kuik', systemId: 'kuik', inspect: observer.inspect },
  );
  root.start();
  root.send({ type: 'child.add', key: 'a', input: undefined });
  const lamp = () => root.getSnapshot().children.get('a');
  const actors = async () =>
    (await runtime.text())
      .split('\n')
      .filter((line) => line.startsWith('kube_image_keeper_actors{type="lamp"'))
      .filter((line) => !line.endsWith(' 0'));
  return { root, lamp, observer, clock, actors, lines, log };
}

const gauge = (state: string) => `kube_image_keeper_actors{type="lamp",state="${state}"} 1`;

describe('the observer of transitions', () => {
  test('remembers what an actor went through, logs it once and counts where it is', async () => {
    const { lamp, observer, actors, lines, root } = start();
    lamp()?.send({ type: 'press' });
    lamp()?.send({ type: 'look' });
    expect(observer.get('lamp:a')).toMatchObject({
      states: ['On'],
      transitions: [
        { event: 'xstate.init', from: [], to: ['Off'] },
        { event: 'press', from: ['Off'], to: ['On'] },
      ],
    });
    expect(observer.get('lamp:a')?.sinceMs).toBe(observer.get('lamp:a')?.transitions[1]?.atMs);
    const logged = lines().filter(({ actor }) => actor === 'lamp:a');
    expect(logged.map(({ level, msg, to }) => [level, msg, to])).toEqual([
      ['debug', 'transition', ['Off']],
      ['debug', 'transition', ['On']],
    ]);
    expect(await actors()).toEqual([gauge('On')]);
    root.stop();
  });

  test('knows actors by their systemId and passes over effects in flight', () => {
    const { lamp, observer, root } = start();
    lamp()?.send({ type: 'press' });
    expect([...observer.ids()].sort()).toEqual(['kuik', 'lamp:a']);
    root.stop();
  });

  test('keeps only the last transitions of an actor', () => {
    const { lamp, observer, root } = start();
    for (let press = 0; press < 50; press++) lamp()?.send({ type: 'press' });
    expect(observer.get('lamp:a')?.transitions).toHaveLength(ringSize);
    expect(observer.get('lamp:a')?.transitions.at(-1)?.to).toEqual(['Off']);
    root.stop();
  });

  test('shows an actor that crashed as Broken until it is back, with its past', async () => {
    const { lamp, observer, actors, clock, root } = start();
    lamp()?.send({ type: 'smash' });
    expect(observer.get('lamp:a')).toMatchObject({ states: ['Broken'] });
    expect(await actors()).toEqual([gauge('Broken')]);
    clock.advance(1_000);
    expect(observer.get('lamp:a')).toMatchObject({
      states: ['Off'],
      transitions: [{ to: ['Off'] }, { to: ['Broken'] }, { from: ['Broken'], to: ['Off'] }],
    });
    expect(await actors()).toEqual([gauge('Off')]);
    root.stop();
  });

  test('forgets actors that are removed, that ended, or that were removed while Broken', async () => {
    const { lamp, observer, actors, root } = start();
    for (const way of ['unscrew', 'smash', 'press'] as const) {
      root.send({ type: 'child.add', key: 'a', input: undefined });
      lamp()?.send({ type: way });
      root.send({ type: 'child.remove', key: 'a' });
      expect(observer.get('lamp:a')).toBeUndefined();
      expect(await actors()).toEqual([]);
    }
    root.stop();
    expect([...observer.ids()]).toEqual([]);
  });

  test('does no harm when it fails itself', () => {
    const { log, lines } = start();
    const metrics = createMetrics({ build: { version: '1' } });
    const observer = new TransitionObserver({
      log,
      metrics,
      clock: { now: () => 0 },
      now: () => {
        throw new Error('no clock');
      },
    });
    const actor = createActor(lampMachine, { systemId: 'lamp:b', inspect: observer.inspect });
    actor.start();
    actor.send({ type: 'press' });
    expect(actor.getSnapshot().value).toBe('On');
    expect(lines().at(-1)).toMatchObject({ msg: 'the observer of transitions failed' });
    actor.stop();
  });
});

test('states of parallel regions are named by region and state, and each can be asked for', () => {
  const actor = createActor(roomMachine);
  const snapshot = actor.getSnapshot();
  expect(statesOf(snapshot)).toEqual(['light.Off', 'door.Shut']);
  const names = ['Known', 'Off', 'Shut', 'door', 'door.Shut', 'light', 'light.Off'];
  expect(names.filter((name) => !isInState(snapshot, name))).toEqual([]);
  expect(
    ['On', 'light.Shut', 'Known.light', ''].filter((name) => isInState(snapshot, name)),
  ).toEqual([]);
});

const circuitMachine = setup({
  types: { events: {} as { type: 'fail' | 'due' | 'answer' } },
}).createMachine({
  id: 'circuit',
  type: 'parallel',
  states: {
    reachability: {
      initial: 'Closed',
      states: {
        Closed: { on: { fail: 'Suspect' } },
        Suspect: { on: { fail: 'Open', answer: 'Closed' } },
        Open: { on: { due: 'HalfOpen' } },
        HalfOpen: { on: { fail: 'Open', answer: 'Closed' } },
      },
    },
    quota: { initial: 'Free', states: { Free: {} } },
  },
});

test('a registry that goes down is told of once, and once when it is back', () => {
  const runtime = createTestRuntime();
  const observer = new TransitionObserver(runtime);
  const root = createActor(
    supervise(runtime, { type: 'registry', logic: circuitMachine, policy: 'object' }),
    { id: 'kuik', systemId: 'kuik', inspect: observer.inspect },
  );
  root.start();
  root.send({ type: 'child.add', key: 'quay.io', input: undefined });
  const circuit = root.getSnapshot().children.get('quay.io');
  const told = () => runtime.lines().filter(({ level }) => level !== 'debug');
  for (const type of ['fail', 'answer'] as const) circuit?.send({ type });
  expect(told()).toEqual([]);
  for (const type of ['fail', 'fail', 'due', 'fail', 'due', 'fail', 'due'] as const) {
    circuit?.send({ type });
  }
  expect(told()).toMatchObject([
    { level: 'warn', registry: 'quay.io', msg: 'a registry does not answer; it is set aside' },
  ]);
  circuit?.send({ type: 'answer' });
  expect(told().slice(1)).toMatchObject([
    { level: 'info', registry: 'quay.io', msg: 'a registry answers again' },
  ]);
  root.stop();
});
