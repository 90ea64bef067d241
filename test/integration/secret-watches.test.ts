import { expect, onTestFinished, test } from 'vitest';
import { type ActorRefFrom, createActor } from 'xstate';
import type { SecretKey } from '#actors/secrets/secrets.ts';
import { type SecretWatchesLogic, watchSecrets } from '#actors/secrets/watch-secrets.ts';
import { createTimerHeap } from '#actors/timer-heap.ts';
import { compileTable, type RoutingTable } from '#core/routing/table.ts';
import { createLog } from '#telemetry/log.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { clusterSet } from '#test/support/routing/resources.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Watches of what the sets of one namespace's Secrets name, on the real API server. */
async function startWatches() {
  const client = await adminClient();
  const clock = createTimerHeap();
  const streams: string[] = [];
  const forgotten: SecretKey[] = [];
  const listeners = new Set<(table: RoutingTable) => void>();
  let table = compileTable([]);
  const watches = watchSecrets({
    client: {
      ...client,
      stream: (call, signal) => {
        streams.push(`${call.path}?${call.query?.['fieldSelector']}`);
        return client.stream(call, signal);
      },
    },
    table: {
      current: () => table,
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      stop: () => undefined,
    },
    reader: { forget: (key) => forgotten.push(key) },
    clock,
    log: createLog({ level: 'silent', format: 'json' }),
    random: Math.random,
    supervisor: () => actors[0] as ActorRefFrom<SecretWatchesLogic>,
  });
  const actors = watches.services.map(({ logic }) => createActor(logic));
  for (const actor of actors) actor.start();
  onTestFinished(() => {
    for (const actor of actors.toReversed()) actor.stop();
    clock.close();
  });
  const name = (namespace: string, names: readonly string[]) => {
    const upstreams = names.map((secret) => ({
      registry: 'a.example.com',
      credentialSecret: { namespace, name: secret },
    }));
    const chunks = Array.from({ length: Math.ceil(names.length / 32) }, (_, index) =>
      clusterSet(`hub-${index}`, { upstreams: upstreams.slice(index * 32, index * 32 + 32) }),
    );
    table = compileTable(chunks);
    for (const listener of listeners) listener(table);
  };
  return { ...watches, actors, streams, forgotten, name };
}

test('a Secret is watched by its name alone, from when a resource names it until none does', async () => {
  const namespace = await freshNamespace();
  const { name, find, streams, forgotten } = await startWatches();
  const key = { namespace, name: 'pull' };
  name(namespace, ['pull']);
  await eventually('it is known to be missing', () => find(key)?.kind === 'missing');
  await admin().create(`/api/v1/namespaces/${namespace}/secrets`, {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'pull' } },
    stringData: { a: 'first' },
  });
  await eventually('it is known', () => find(key)?.kind === 'found');
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  await admin().merge(`${path}/pull`, { stringData: { a: 'second' } });
  await eventually('its change is known', () => {
    const found = find(key);
    return found?.kind === 'found' && found.secret.data['a'] === 'second';
  });
  await admin().remove(`${path}/pull`);
  await eventually('its end is known', () => find(key)?.kind === 'missing');
  expect(new Set(streams)).toEqual(new Set([`${path}?metadata.name=pull`]));
  expect(forgotten).toEqual([key, key, key, key]);
  name(namespace, []);
  await eventually('nothing is known of it', () => find(key) === undefined);
});

test('at most a hundred are watched; what is beyond is read, and what cannot be is not asked for', async () => {
  const namespace = await freshNamespace();
  const { name, find, streams } = await startWatches();
  const names = Array.from({ length: 101 }, (_, index) => `pull-${index}`);
  const impossible = 'a,metadata.name!=b';
  name(namespace, [impossible, ...names]);
  await eventually('all are known to be missing', () =>
    [impossible, ...names].every((one) => find({ namespace, name: one })?.kind === 'missing'),
  );
  await eventually('a hundred are watched', () => new Set(streams).size === 100);
  expect(streams.join(' ')).not.toContain('!=');
});

test('who leads no more knows nothing', async () => {
  const namespace = await freshNamespace();
  const { name, find, actors } = await startWatches();
  name(namespace, ['pull']);
  await eventually('it is known', () => find({ namespace, name: 'pull' }) !== undefined);
  for (const actor of actors.toReversed()) actor.stop();
  expect(find({ namespace, name: 'pull' })).toBeUndefined();
});
