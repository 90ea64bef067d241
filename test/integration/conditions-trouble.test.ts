import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { addConditions } from '#actors/conditions/conditions.ts';
import { keepRoutingTable } from '#actors/keep-routing-table.ts';
import type { KuikKind, KuikResource } from '#api/kinds.ts';
import { createStore } from '#kube/store.ts';
import { refusal } from '#test/support/api-server/api-proxy.ts';
import { admin } from '#test/support/api-server/plane.ts';
import { proxiedClient, proxyToPlane } from '#test/support/api-server/watch-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { startLeading } from '#test/support/time/leading-system.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const collection = '/apis/kuik.enix.io/v1alpha1/clusterreplicatedimagesets';
/** What failed is looked at again after this. */
const retryMs = 15_000;

/** Some resources of this test alone, and a writer of their conditions before a proxy. */
async function startWriter(count: number) {
  const proxy = await proxyToPlane();
  const prefix = `conditions-${randomBytes(4).toString('hex')}`;
  const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
  const store = createStore<KuikResource>();
  const stores = new Map<KuikKind, typeof store>([['ClusterReplicatedImageSet', store]]);
  const table = keepRoutingTable(stores);
  for (const name of names) {
    const { body } = await admin().create(collection, {
      apiVersion: 'kuik.enix.io/v1alpha1',
      kind: 'ClusterReplicatedImageSet',
      metadata: { name },
      spec: {
        upstreams: ['a.example.com', 'b.example.com'].map((registry) => ({
          ...{ registry, imageFilter: { include: ['/x'] } },
        })),
      },
    });
    store.put(name, body);
    onTestFinished(() => admin().remove(`${collection}/${name}`));
  }
  store.finishList(new Set(names));
  const runtime = createTestRuntime();
  const { clock } = runtime;
  const silent = { record: () => undefined };
  const client = await proxiedClient(proxy);
  const options = { client, stores, table, events: silent };
  const patches = () =>
    proxy
      .requests()
      .filter(({ method }) => method === 'PATCH')
      .map(({ path }) => /-(\d+)\/status/.exec(path)?.[1]);
  return {
    ...{ proxy, clock, patches },
    start: () => {
      onTestFinished(table.stop);
      startLeading({ ...runtime, now: Date.now }, (system) => void addConditions(system, options));
      clock.advance(0);
    },
    said: async () => {
      const found = await Promise.all(names.map((name) => admin().get(`${collection}/${name}`)));
      return found.map(({ status }) => status?.conditions?.[0]?.reason);
    },
  };
}

test('a throttling API server is left alone for as long as it says, then all is written', async () => {
  const { proxy, clock, patches, start, said } = await startWriter(4);
  const throttled = refusal(429, 'TooManyRequests', { 'retry-after': '40' });
  proxy.setRules({ method: 'PATCH', fault: throttled, times: 1 });
  start();
  await eventually('it asked and waits', () => patches().length === 1 && clock.size === 1);
  clock.advance(39_000);
  expect(patches()).toEqual(['0']);
  clock.advance(1_100);
  await eventually('all is written', async () => {
    expect(await said()).toEqual(['Ready', 'Ready', 'Ready', 'Ready']);
    return true;
  });
});

test('one resource that never gets through keeps no other from being written', async () => {
  const { proxy, clock, patches, start, said } = await startWriter(3);
  proxy.setRules({ method: 'PATCH', path: /-0\/status$/, fault: { kind: 'reset' } });
  start();
  await eventually('it failed once and waits', () => patches().length === 1 && clock.size === 1);
  clock.advance(retryMs);
  await eventually('the others are written', async () => {
    expect(await said()).toEqual([undefined, 'Ready', 'Ready']);
    return true;
  });
  expect(patches().slice(0, 3)).toEqual(['0', '1', '2']);
});
