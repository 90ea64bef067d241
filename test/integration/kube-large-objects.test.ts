import { expect, onTestFinished, test } from 'vitest';
import { createInterner } from '#kube/intern.ts';
import { resourcePath } from '#kube/paths.ts';
import { runReflector } from '#kube/reflector.ts';
import { type SlimPod, slimPod } from '#kube/slim-pod.ts';
import { createStore } from '#kube/store.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { proxiedClient, proxyToPlane } from '#test/support/api-server/watch-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** The API server takes 1.5 MiB, and writes each `<` as six characters. */
function largePod(name: string): object {
  const env = [{ name: 'X', value: '<'.repeat(1_450_000) }];
  const containers = [{ name: 'app', image: `quay.io/team/${name}:1`, env }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: { containers } };
}

const podsOf = (namespace: string) => `/api/v1/namespaces/${namespace}/pods`;

/** Watches the Pods of a namespace until the test is over. */
async function watchPods(namespace: string) {
  const proxy = await proxyToPlane();
  const client = await proxiedClient(proxy);
  const store = createStore<SlimPod>();
  const stop = new AbortController();
  const troubles: string[] = [];
  const interner = createInterner();
  const running = runReflector(
    {
      ...{ client, store, path: podsOf(namespace), pageObjects: 200 },
      slim: (object) => slimPod(object, interner),
      random: Math.random,
      onPhase: (phase, detail) => phase === 'BackingOff' && troubles.push(detail),
    },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  await store.synced;
  return { store, troubles };
}

test('Pods as large as any are listed: eighteen of them are 157 MB of JSON', async () => {
  const namespace = await freshNamespace('large');
  const names = Array.from({ length: 18 }, (_, index) => `large-${index}`);
  for (const name of names) await admin().create(podsOf(namespace), largePod(name));
  const { store, troubles } = await watchPods(namespace);
  expect([...store.values()].map(({ images }) => images['app']).toSorted()).toEqual(
    names.map((name) => `quay.io/team/${name}:1`).toSorted(),
  );
  expect(troubles).toEqual([]);
});

test('Pods as large as any are watched, and those behind them too', async () => {
  const namespace = await freshNamespace('large');
  const { store, troubles } = await watchPods(namespace);
  await admin().create(podsOf(namespace), largePod('large'));
  const containers = [{ name: 'app', image: 'quay.io/team/small:1' }];
  const small = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'small' } };
  await admin().create(podsOf(namespace), { ...small, spec: { containers } });
  await eventually('both are known', () => store.size() === 2);
  expect(troubles).toEqual([]);
});

test.each(['.', '..', 'a/b', 'A', ''])(
  'a Secret that would be named %j is missing, and nobody is asked for it',
  async (name) => {
    const proxy = await proxyToPlane();
    const client = await proxiedClient(proxy);
    const place = { group: '', version: 'v1', plural: 'secrets', namespace: 'default', name };
    const { signal } = new AbortController();
    const answer = await client.call({ method: 'GET', path: resourcePath(place) }, signal);
    expect(answer).toMatchObject({ ok: false, error: { kind: 'status', code: 404 } });
    expect(proxy.requests()).toEqual([]);
  },
);
