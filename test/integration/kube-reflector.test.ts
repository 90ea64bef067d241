import { expect, onTestFinished, test } from 'vitest';
import { createKubeClient, type KubeClient } from '#kube/client.ts';
import { loadKubeConfig } from '#kube/kube-config.ts';
import { runReflector } from '#kube/reflector.ts';
import { createStore, type StoreWriter } from '#kube/store.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { eventually } from '#test/support/time/eventually.ts';

async function client(): Promise<KubeClient> {
  const access = await loadKubeConfig({ kubeconfig: adminKubeconfig(), environment: {} });
  if (!access.ok) throw new Error(access.error.message);
  const made = createKubeClient({ access: access.value });
  onTestFinished(made.close);
  return made;
}

/** Watches the ConfigMaps of a namespace until the test is over. */
async function watched(namespace: string): Promise<StoreWriter<string>> {
  const store = createStore<string>();
  const stop = new AbortController();
  const running = runReflector(
    {
      client: await client(),
      path: `/api/v1/namespaces/${namespace}/configmaps`,
      store,
      slim: (object) => String((object['data'] as { value?: string } | undefined)?.value),
      random: Math.random,
    },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  await store.synced;
  return store;
}

test('a reflector holds what the API server holds: lists of several pages, then each change', async () => {
  const namespace = await freshNamespace();
  const path = `/api/v1/namespaces/${namespace}/configmaps`;
  const make = (n: number) =>
    admin().create(path, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: `map-${n}` },
      data: { value: `v${n}` },
    });
  for (let n = 0; n < 600; n += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, index) => make(n + index)));
  }
  const store = await watched(namespace);
  expect(store.get(`${namespace}/map-599`)).toBe('v599');
  await make(600);
  await admin().merge(`${path}/map-1`, { data: { value: 'changed' } });
  await admin().remove(`${path}/map-2`);
  await eventually('the store has followed', () => {
    expect(store.get(`${namespace}/map-600`)).toBe('v600');
    expect(store.get(`${namespace}/map-1`)).toBe('changed');
    expect(store.get(`${namespace}/map-2`)).toBeUndefined();
    return true;
  });
});

test('an object is found, missed and refused as a value, with what the API server said', async () => {
  const kube = await client();
  const { signal } = new AbortController();
  const found = await kube.call({ method: 'GET', path: '/api/v1/namespaces/default' }, signal);
  expect(found).toMatchObject({ ok: true, value: { kind: 'Namespace' } });
  const missing = await kube.call({ method: 'GET', path: '/api/v1/namespaces/nowhere' }, signal);
  expect(missing).toMatchObject({
    ok: false,
    error: { kind: 'status', code: 404, reason: 'NotFound' },
  });
});

test('a kubeconfig that is not there is named in the error', async () => {
  const access = await loadKubeConfig({ kubeconfig: '/nowhere/kubeconfig', environment: {} });
  expect(access).toMatchObject({ ok: false });
  expect(access.ok ? '' : access.error.message).toContain('/nowhere/kubeconfig');
});
