import { expect, test } from 'vitest';
import type { KuikResource } from '#api/kinds.ts';
import { registryMap } from '#core/insight/registry-map.ts';
import type { RegistryView } from '#core/insight/registry-view.ts';

const view = (host: string, pods: number, over: Partial<RegistryView> = {}): RegistryView => ({
  ...{ host, circuit: 'Closed', since: null, trouble: null, pods, latency: [] },
  ...{ quota: { state: 'Free' }, pace: null },
  ...over,
});

const set = (name: string, ...hosts: readonly string[]) =>
  ({
    ...{ kind: 'ClusterReplicatedImageSet', metadata: { name } },
    spec: { upstreams: hosts.map((registry) => ({ registry })) },
  }) as unknown as KuikResource;

const mirror = (name: string, ...hosts: readonly string[]) =>
  ({
    ...{ kind: 'ImageSetMirror', metadata: { namespace: 'shop', name } },
    spec: { mirrors: hosts.map((registry) => ({ registry })) },
  }) as unknown as KuikResource;

test('upstreams of a set are joined to each other, once, under one name each', () => {
  const { nodes, edges } = registryMap(
    [set('a', 'quay.io', 'docker.io', 'QUAY.io:443'), set('b', 'docker.io', 'quay.io')],
    [view('docker.io', 4, { circuit: 'Open' })],
  );
  expect(nodes).toMatchObject([
    { host: 'docker.io', circuit: 'Open', pods: 4, roles: ['origin', 'upstream'] },
    { host: 'quay.io', circuit: 'Closed', pods: 0, roles: ['upstream'] },
  ]);
  expect(edges).toEqual([
    {
      ...{ from: 'docker.io', to: 'quay.io' },
      by: ['a', 'b'].map((name) => ({ kind: 'ClusterReplicatedImageSet', name })),
    },
  ]);
});

test('a mirror stands in for every registry that Pods run from, and for no other', () => {
  const { edges } = registryMap(
    [mirror('m', 'mirror.example.com')],
    [view('docker.io', 2), view('quay.io', 0), view('mirror.example.com', 1)],
  );
  expect(edges).toEqual([
    {
      ...{ from: 'docker.io', to: 'mirror.example.com' },
      by: [{ kind: 'ImageSetMirror', namespace: 'shop', name: 'm' }],
    },
  ]);
});

test('no more are drawn than a screen shows, and the others are counted', () => {
  const hosts = Array.from({ length: 300 }, (_, index) => `r${index}.example.com`);
  const { nodes, edges, nodesTotal, edgesTotal } = registryMap([set('all', ...hosts)], []);
  expect([nodes.length, nodesTotal]).toEqual([200, 300]);
  expect([edges.length, edgesTotal]).toEqual([1_000, (300 * 299) / 2]);
  const drawn = new Set(nodes.map(({ host }) => host));
  expect(edges.every(({ from, to }) => drawn.has(from) && drawn.has(to))).toBe(true);
});
