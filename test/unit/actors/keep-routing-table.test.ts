import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { keepRoutingTable } from '#actors/keep-routing-table.ts';
import { nodeArchitectures } from '#actors/node-architectures.ts';
import { type KuikResource, kinds } from '#api/kinds.ts';
import type { SlimNode } from '#kube/slim-node.ts';
import { createStore } from '#kube/store.ts';
import { made, type RecordedCopy, recording } from '#test/support/routing/recorded-copies.ts';
import { clusterMirror } from '#test/support/routing/resources.ts';

const copy = 'harbor.example.com/library/app:1';

/** A mirror as it is stored, of this generation and with this recorded. */
function stored(generation: number, recorded: RecordedCopy): KuikResource {
  const mirrors = [{ registry: 'harbor.example.com' }];
  const mirror = clusterMirror('m', { imageFilter: { include: [`v${generation}`] }, mirrors });
  const written = recording(mirror, ['docker.io/library/app:1', copy, recorded]);
  return { ...written, metadata: { ...written.metadata, generation } } as KuikResource;
}

async function startKeeper() {
  const stores = new Map(kinds.map(({ kind }) => [kind, createStore<KuikResource>()] as const));
  const nodes = createStore<SlimNode>();
  const architectures = nodeArchitectures(nodes);
  const table = keepRoutingTable(stores, { architectures });
  onTestFinished(table.stop);
  for (const store of stores.values()) store.finishList(new Set());
  let told = 0;
  table.subscribe(() => {
    told += 1;
  });
  const put = (resource: KuikResource) => stores.get('ClusterImageSetMirror')?.put('m', resource);
  const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    return told;
  };
  return { table, nodes, put, settle };
}

test('a status that changes is known at once, compiles nothing, and is told of once a turn', async () => {
  const { table, put, settle } = await startKeeper();
  put(stored(1, made));
  expect(await settle()).toBe(1);
  const before = table.current();
  put(stored(1, { ...made, state: 'Expired' }));
  put(stored(1, { ...made, state: 'Unused' }));
  expect(table.current()).toBe(before);
  expect(table.current().copies.recordsOf(copy)).toMatchObject([{ state: 'Unused' }]);
  expect(await settle()).toBe(2);
});

test('a spec that changes is compiled, and what its status says comes with it', async () => {
  const { table, put, settle } = await startKeeper();
  put(stored(1, made));
  await settle();
  const before = table.current();
  put(stored(2, { ...made, state: 'Expired' }));
  put(stored(2, { ...made, state: 'Unused' }));
  await settle();
  expect(table.current()).not.toBe(before);
  expect(table.current().copies.recordsOf(copy)).toMatchObject([{ state: 'Unused' }]);
});

test('the table knows the architectures of the nodes once all have been read', async () => {
  const { table, nodes } = await startKeeper();
  nodes.put('a', { architecture: 'amd64' });
  expect(table.current().architectures).toBeUndefined();
  nodes.finishList(new Set(['a']));
  expect(table.current().architectures).toEqual(new Set(['amd64']));
  const before = table.current();
  nodes.put('b', { architecture: 'amd64' });
  nodes.put('c', { architecture: '' });
  expect(table.current()).toBe(before);
  nodes.put('b', { architecture: 'arm64' });
  expect(table.current().architectures).toEqual(new Set(['amd64', 'arm64']));
  nodes.remove('b');
  nodes.remove('a');
  expect(table.current().architectures).toEqual(new Set());
});
