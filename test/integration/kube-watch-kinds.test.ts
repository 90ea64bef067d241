import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { runReflector } from '#kube/reflector.ts';
import { createStore, type StoreChange } from '#kube/store.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin } from '#test/support/api-server/plane.ts';
import { eventually } from '#test/support/time/eventually.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** A kind of this test's own, which is not there yet. */
function unknownKind() {
  const group = `${randomBytes(4).toString('hex')}.example.com`;
  const path = `/apis/${group}/v1/things`;
  const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `things.${group}` },
    spec: {
      ...{ group, scope: 'Cluster' },
      names: { plural: 'things', singular: 'thing', kind: 'Thing' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  };
  const uninstall = () => admin().remove(`${definitions}/things.${group}`);
  onTestFinished(uninstall);
  return {
    ...{ path, uninstall },
    install: () => admin().create(definitions, definition),
    /** The API server needs a moment until it serves a kind that it knows. */
    make: (name: string) =>
      eventually(`${name} is made`, async () => {
        const object = { apiVersion: `${group}/v1`, kind: 'Thing', metadata: { name } };
        return (await admin().call('POST', path, { body: object })).status === 201;
      }),
  };
}

test('a kind that is not there is waited for, gone when it goes, and found when it is back', async () => {
  const kind = unknownKind();
  const store = createStore<string>();
  const told: StoreChange<string>[] = [];
  const phases: string[] = [];
  store.subscribe((change) => told.push(change));
  const stop = new AbortController();
  const running = runReflector(
    {
      ...{ client: await adminClient(), path: kind.path, store },
      slim: ({ metadata }) => metadata?.name,
      random: () => 0.05,
      onPhase: (phase, detail) => phases.push(`${phase} ${detail}`),
    },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  await eventually('it waits', () => phases.filter((one) => one.startsWith('Back')).length > 2);
  expect(store.isSynced()).toBe(false);
  await kind.install();
  await kind.make('first');
  await eventually('it is found', () => store.isSynced() && store.get('first') === 'first');
  await kind.uninstall();
  await eventually('it is gone', () => store.size() === 0);
  await eventually('it waits', () => phases.at(-1)?.startsWith('BackingOff') === true);
  await kind.install();
  await kind.make('second');
  await eventually('it is found again', () => store.get('second') === 'second');
  expect(told.map(({ kind: change, key }) => `${change} ${key}`)).toEqual([
    'added first',
    'deleted first',
    'added second',
  ]);
});

test('a kind that went while nobody could watch it takes its objects along, and no other', async () => {
  const kind = unknownKind();
  const store = createStore<string>();
  const client = await adminClient();
  const reflect = async (through: typeof client, until: (phase: string) => Promise<unknown>) => {
    const stop = new AbortController();
    let last = '';
    const running = runReflector(
      {
        ...{ client: through, path: kind.path, store, random: () => 0.05 },
        slim: ({ metadata }) => metadata?.name,
        onPhase: (phase) => {
          last = phase;
        },
      },
      stop.signal,
    );
    await eventually('it came so far', () => until(last)).finally(() => stop.abort());
    await running;
  };
  await kind.install();
  await kind.make('first');
  await reflect(client, async () => store.size() === 1);
  // What stands in between and finds nothing is not believed.
  const lost: typeof client = {
    ...client,
    call: (call, signal) => client.call({ ...call, path: `/nowhere${call.path}` }, signal),
  };
  await reflect(lost, async (phase) => phase === 'BackingOff');
  expect(store.size()).toBe(1);
  await kind.uninstall();
  await eventually('it is served no more', async () => {
    return (await admin().call('GET', kind.path)).status === 404;
  });
  await reflect(client, async () => store.size() === 0);
});
