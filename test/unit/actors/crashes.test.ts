import { expect, test } from 'vitest';
import { type AnyStateMachine, createActor, fromCallback, fromPromise } from 'xstate';
import { reflectorLogic } from '#actors/reflectors.ts';
import { supervise } from '#actors/supervisor.ts';
import { allMachines } from '#machines/all-machines.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const tracked = { resource: 'all', image: 'docker.io/library/nginx:1.27', registry: 'docker.io' };

const copyKey = { target: 'mirror.example.com', image: tracked.image };

/** What each machine starts with, and the event after which its effect runs, where it needs one. */
const starts: Readonly<Record<string, { readonly input?: unknown; readonly event?: object }>> = {
  certificate: { input: { source: 'own', pollMs: 5_000 } },
  leadership: { input: { elect: true, renewDeadlineMs: 10_000 } },
  lease: { input: { renewDeadlineMs: 10_000, renewedAtMs: 0, retryInMs: 1_000 } },
  'mirror-set': {
    input: { resource: 'ImageSetMirror/team/copies' },
    event: { type: 'set.deleted' },
  },
  'mirror-target': { input: { target: 'mirror.example.com' } },
  'mirrored-image': {
    input: {
      ...copyKey,
      known: { copy: 'mirror.example.com/library/nginx:1.27' },
      isUnused: false,
    },
    event: { type: 'turn.came' },
  },
  reconcile: { event: { type: 'reconcile.flush' } },
  registry: {
    input: { host: 'quay.io', slotMs: 1_000 },
    event: { type: 'connection.failed', message: 'reset' },
  },
  'tracked-image': {
    input: { tracked: { ...tracked, original: true, status: 'Scheduled' } },
    event: { type: 'check.due' },
  },
};

/** The machine, with every effect a bug. */
function withBugs(machine: AnyStateMachine): AnyStateMachine {
  const { actors } = machine.implementations;
  const bugs = Object.keys(actors).map((name) => [
    name,
    fromPromise(() => Promise.reject(new Error(`a bug in ${name}`))),
  ]);
  // What only tells the machine of changes may be there without a word.
  const quiet = ['watch', 'line'].map((name) => [name, fromCallback(() => {})]);
  return machine.provide({ actors: Object.fromEntries([...bugs, ...quiet]) } as never);
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test.each(allMachines.map((machine) => [machine.id, machine] as const))(
  'a bug of %s is told to log and metric with its own error, and it is started again',
  async (id, machine) => {
    const runtime = createTestRuntime();
    const logic = supervise(runtime, { type: id, logic: withBugs(machine), policy: 'object' });
    const { clock } = runtime;
    const root = createActor(logic, { clock }).start();
    const { input, event } = starts[id] ?? {};
    root.send({ type: 'child.add', key: 'one', input });
    const first = root.getSnapshot().children.get('one');
    if (event !== undefined) first?.send(event);
    for (let passed = 0; passed < 20; passed += 1) {
      clock.advance(100);
      await settle();
      if (root.getSnapshot().broken.has('one')) break;
    }
    expect(first?.getSnapshot().status).toBe('error');
    expect(runtime.lines().filter(({ msg }) => msg === 'an actor crashed')).toMatchObject([
      { level: 'error', actor: `${id}:one`, err: { message: expect.stringMatching(/^a bug in /) } },
    ]);
    expect(await runtime.text()).toContain(`actor_crashes_total{type="${id}"} 1`);
    clock.advance(1_000);
    expect(root.getSnapshot().children.get('one')).not.toBe(first);
    root.stop();
  },
);

test('a bug of a reflector is told to log and metric', async () => {
  const runtime = createTestRuntime();
  const run = () => Promise.reject(new Error('a bug in the loop'));
  const logic = reflectorLogic('pods', run, runtime);
  const root = createActor(supervise(runtime, { type: 'reflector', logic, policy: 'object' }));
  root.start();
  root.send({ type: 'child.add', key: 'pods', input: undefined });
  await settle();
  expect(runtime.lines().filter(({ msg }) => msg === 'an actor crashed')).toMatchObject([
    { actor: 'reflector:pods', err: { message: 'a bug in the loop' } },
  ]);
  expect(await runtime.text()).toContain('actor_crashes_total{type="reflector"} 1');
  root.stop();
});
