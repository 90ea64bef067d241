import { expect, test } from 'vitest';
import { type AnyActorLogic, createActor, fromCallback } from 'xstate';
import { stopsPerTurn, supervise } from '#actors/supervisor.ts';
import { turns } from '#test/support/monitoring/monitoring-stage.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const children = 10 * stopsPerTurn;

/** A supervisor of very many, below a root that starts it and ends it. */
function start() {
  const runtime = createTestRuntime();
  const running = new Set<string>();
  const many = supervise(runtime, {
    type: 'one',
    logic: fromCallback<{ type: 'x' }, string>(({ input }) => {
      running.add(input);
      return () => void running.delete(input);
    }),
    policy: 'object',
  });
  const root = createActor(
    supervise<AnyActorLogic>(runtime, { type: 'service', logic: () => many, policy: 'vital' }),
    { systemId: 'root' },
  ).start();
  const begin = () => {
    root.send({ type: 'child.add', key: 'many', input: undefined });
    const supervisor = root.getSnapshot().children.get('many');
    for (let index = 0; index < children; index += 1) {
      supervisor?.send({ type: 'child.add', key: `${index}`, input: `${index}` });
    }
  };
  return { root, running, begin, end: () => root.send({ type: 'child.remove', key: 'many' }) };
}

test('very many children of a supervisor that ends are stopped a slice in a turn', async () => {
  const { root, running, begin, end } = start();
  begin();
  expect(running.size).toBe(children);
  end();
  expect(running.size).toBe(children - stopsPerTurn);
  // The last that was started goes first.
  expect(running.has(`${children - 1}`)).toBe(false);
  await turns(5);
  expect(running.size).toBeGreaterThan(0);
  await turns(10);
  expect(running.size).toBe(0);
  expect(root.system.get('one:0')).toBeUndefined();
  root.stop();
});

test('one that begins anew meanwhile has all of its own children', async () => {
  const { root, running, begin, end } = start();
  begin();
  end();
  begin();
  expect(running.size).toBe(children);
  await turns(20);
  expect(running.size).toBe(children);
  expect(root.system.get('one:0')?.getSnapshot().status).toBe('active');
  root.stop();
});
