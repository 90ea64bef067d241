import { expect, test } from 'vitest';
import { addConditions, type ConditionContributor } from '#actors/conditions/conditions.ts';
import type { KuikKind, KuikResource } from '#api/kinds.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { compileTable } from '#core/routing/table.ts';
import type { ApiCall } from '#kube/client.ts';
import type { ApiFailure } from '#kube/failures.ts';
import { createStore } from '#kube/store.ts';
import { clusterSet } from '#test/support/routing/resources.ts';
import { startLeading } from '#test/support/time/leading-system.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';
import { turns } from '#test/support/time/turns.ts';

/** A leader that writes the conditions of these resources; the API server says what it is told. */
function startConditions(names: readonly string[], contributor?: Partial<ConditionContributor>) {
  const runtime = createTestRuntime();
  const store = createStore<KuikResource>();
  for (const name of names) store.put(name, clusterSet(name, {}));
  store.finishList(new Set(names));
  const table = compileTable([...store.values()]);
  const written: string[] = [];
  const bodies: unknown[] = [];
  let answer: (name: string) => ApiFailure | undefined = () => undefined;
  const client = {
    call: async <T>({ path, body }: ApiCall): Promise<Result<T, ApiFailure>> => {
      const name = path.split('/').at(-2) ?? '';
      written.push(name);
      bodies.push(body);
      const failure = answer(name);
      return failure === undefined ? succeed({} as T) : fail(failure);
    },
  };
  const system = startLeading(runtime, (made) => {
    const conditions = addConditions(made, {
      ...{ client, events: { record: () => {} } },
      stores: new Map<KuikKind, typeof store>([['ClusterReplicatedImageSet', store]]),
      table: { current: () => table, subscribe: () => () => {} },
    });
    if (contributor === undefined) return;
    conditions.contribute({ statesOf: () => [], subscribe: () => () => {}, ...contributor });
  });
  return {
    ...{ runtime, written, bodies, store },
    state: () => system.find('reconcile:conditions')?.getSnapshot().value,
    answer: (next: typeof answer) => {
      answer = next;
    },
    pass: async (durationMs: number) => {
      runtime.clock.advance(durationMs);
      await turns();
    },
  };
}

test('the round is given up when the server is in trouble, and the next begins with the others', async () => {
  const { written, state, answer, pass } = startConditions(['a', 'b', 'c']);
  answer((name) => (name === 'a' ? { kind: 'connection', message: 'away' } : undefined));
  await pass(0);
  expect([written, state()]).toEqual([['a'], 'BackingOff']);
  await pass(15_000);
  expect(written).toEqual(['a', 'b', 'c', 'a']);
});

test('what is about one resource alone keeps nobody from being written', async () => {
  const { written, answer, pass } = startConditions(['a', 'b']);
  const invalid: ApiFailure = { kind: 'status', code: 422, reason: 'Invalid', message: 'no' };
  answer((name) => (name === 'a' ? invalid : undefined));
  await pass(0);
  expect(written).toEqual(['a', 'b']);
  await pass(14_999);
  expect(written).toHaveLength(2);
  await pass(1);
  expect(written.slice(2)).toEqual(['a', 'b']);
});

test('a server that throttles is left alone for as long as it says, whatever changes', async () => {
  let changed = () => {};
  const { written, answer, pass } = startConditions(['a'], {
    subscribe: (listener) => {
      changed = listener;
      return () => {};
    },
  });
  const retryAfterMs = 40_000;
  const throttled = { kind: 'status' as const, code: 429, reason: '', message: '', retryAfterMs };
  answer(() => throttled);
  await pass(0);
  answer(() => undefined);
  changed();
  await pass(39_999);
  expect(written).toHaveLength(1);
  await pass(1);
  expect(written).toHaveLength(2);
});

test('nothing is written of a resource of which a contributor does not know all yet', async () => {
  let isKnown = false;
  let changed = () => {};
  const { written, pass } = startConditions(['a'], {
    isKnown: () => isKnown,
    subscribe: (listener) => {
      changed = listener;
      return () => {};
    },
  });
  await pass(0);
  expect(written).toEqual([]);
  isKnown = true;
  changed();
  await pass(1_000);
  expect(written).toEqual(['a']);
});

test('a crash is told to log and metric, and the next round is run by another actor', async () => {
  let isBroken = true;
  const { runtime, written, pass } = startConditions(['a'], {
    statesOf: () => {
      if (isBroken) throw new Error('a bug');
      return [];
    },
  });
  await pass(0);
  expect(runtime.lines().filter(({ msg }) => msg === 'an actor crashed')).toMatchObject([
    { level: 'error', actor: 'reconcile:conditions', err: { message: 'a bug' } },
  ]);
  expect(await runtime.text()).toContain('actor_crashes_total{type="reconcile"} 1');
  isBroken = false;
  await pass(1_000);
  await pass(0);
  expect(written).toEqual(['a']);
});

test('an image count is written with the conditions, and again only when it is another', async () => {
  let imageCount: number | undefined = 3;
  let changed = () => {};
  const { bodies, store, pass } = startConditions(['a'], {
    imageCountOf: () => imageCount,
    subscribe: (listener) => {
      changed = listener;
      return () => {};
    },
  });
  await pass(0);
  expect(bodies).toMatchObject([{ status: { imageCount: 3, conditions: [{ type: 'Ready' }] } }]);
  const [{ status }] = bodies as [{ status: object }];
  store.put('a', { ...clusterSet('a', {}), status });
  for (const count of [3, 4]) {
    imageCount = count;
    changed();
    await pass(1_000);
  }
  expect(bodies).toHaveLength(2);
  expect(bodies[1]).toMatchObject({ status: { imageCount: 4, conditions: [{ type: 'Ready' }] } });
});

test('a count that nobody knows yet stays as it is written', async () => {
  const { bodies, store, pass } = startConditions(['a']);
  store.put('a', { ...clusterSet('a', {}), status: { imageCount: 7 } });
  await pass(0);
  expect(bodies).toMatchObject([{ status: { imageCount: 7 } }]);
});
