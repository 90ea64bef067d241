import { expect, onTestFinished, test } from 'vitest';
import { addSecretSources } from '#actors/secrets/secret-sources.ts';
import { KuikSystem } from '#actors/system.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import { Listeners } from '#core/listeners.ts';
import { compileTable, type RoutingTable } from '#core/routing/table.ts';
import type { SecretName } from '#core/secret.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin, freshNamespace } from '#test/support/api-server/plane.ts';
import { clusterSet } from '#test/support/routing/resources.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

/** Watches of what the sets of one namespace's Secrets name, on the real API server. */
const field = '.dockerconfigjson';

function config(password: string): string {
  return JSON.stringify({ auths: { 'a.example.com': { username: 'alice', password } } });
}

async function startWatches() {
  const client = await adminClient();
  const clock = new TimerHeap();
  const system = new KuikSystem({ ...createTestRuntime(), clock });
  const streams: string[] = [];
  const forgotten: SecretName[] = [];
  const { subscribe, tell } = new Listeners<[table: RoutingTable]>();
  let table = compileTable([]);
  const sources = addSecretSources(system, {
    client: {
      ...client,
      stream: (call, signal) => {
        streams.push(`${call.path}?${call.query?.['fieldSelector']}`);
        return client.stream(call, signal);
      },
    },
    table: { current: () => table, subscribe },
    reader: { forget: (name) => forgotten.push(name) },
  });
  system.start();
  system.lead({ unrecordedUntilMs: 'unknown' });
  onTestFinished(() => {
    system.stop();
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
    tell(table);
  };
  return { system, find: sources.find, streams, forgotten, name };
}

test('a Secret is watched by its name alone, from when a resource names it until none does', async () => {
  const namespace = await freshNamespace();
  const { name, find, streams, forgotten } = await startWatches();
  const key = { namespace, name: 'pull' };
  name(namespace, ['pull']);
  await eventually('it is known to be missing', () => find(key)?.kind === 'missing');
  await admin().create(`/api/v1/namespaces/${namespace}/secrets`, {
    ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'pull' } },
    type: 'kubernetes.io/dockerconfigjson',
    stringData: { [field]: config('first') },
  });
  await eventually('it is known', () => find(key)?.kind === 'found');
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  await admin().merge(`${path}/pull`, { stringData: { [field]: config('second') } });
  await eventually('its change is known', () => {
    const found = find(key);
    return found?.kind === 'found' && found.secret.data[field] === config('second');
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
  const { name, find, system } = await startWatches();
  name(namespace, ['pull']);
  await eventually('it is known', () => find({ namespace, name: 'pull' }) !== undefined);
  system.follow();
  expect(find({ namespace, name: 'pull' })).toBeUndefined();
});
