import { describe, expect, onTestFinished, test } from 'vitest';
import { addSecrets } from '#actors/secrets/secrets.ts';
import { KuikSystem } from '#actors/system.ts';
import type { KuikKind, KuikResource } from '#api/kinds.ts';
import { Listeners } from '#core/listeners.ts';
import { succeed } from '#core/result.ts';
import { compileTable, type RoutingTable } from '#core/routing/table.ts';
import type { KubeClient } from '#kube/client.ts';
import type { SlimPod } from '#kube/slim-pod.ts';
import { createStore } from '#kube/store.ts';
import { settled } from '#test/support/registries/registries-stage.ts';
import { clusterSet } from '#test/support/routing/resources.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const allCopies = '/api/v1/secrets';
const vault = '/api/v1/namespaces/vault/secrets';

/** A leader whose resources name `vault/pull`, in a cluster that has no Secret. */
async function lead({ known = true } = {}) {
  const runtime = createTestRuntime();
  const system = new KuikSystem(runtime);
  const calls: string[] = [];
  /** Paths whose next call meets a bug of ours. */
  const broken = new Set<string>();
  const client: KubeClient = {
    call: async (call) => {
      calls.push(call.path);
      if (broken.delete(call.path)) throw new Error('a bug');
      return succeed({ items: [], metadata: { resourceVersion: '1' } }) as never;
    },
    stream: () => new Promise(() => {}),
    server: 'https://127.0.0.1:1',
    close: async () => {},
  };
  const pods = createStore<SlimPod>();
  const kuik = new Map<KuikKind, ReturnType<typeof createStore<KuikResource>>>();
  if (known) pods.finishList(new Set());
  const credentialSecret = { namespace: 'vault', name: 'pull' };
  const table = compileTable([
    clusterSet('hub', { upstreams: [{ registry: 'quay.io', credentialSecret }] }),
  ]);
  const { subscribe } = new Listeners<[table: RoutingTable]>();
  const secrets = addSecrets(system, {
    client,
    table: { current: () => table, subscribe, stop: () => {} },
    resources: { pods, kuik },
  });
  system.start();
  onTestFinished(() => system.stop());
  const pass = async (ms: number) => {
    runtime.clock.advance(ms);
    for (let turn = 0; turn < 5; turn += 1) await settled();
  };
  const countOf = (path: string) => calls.filter((one) => one === path).length;
  const crashes = () => runtime.lines().filter(({ msg }) => msg === 'an actor crashed');
  const start = async () => {
    system.lead({ unrecordedUntilMs: 'unknown' });
    await pass(1);
  };
  return { ...runtime, secrets, system, pods, broken, start, pass, countOf, crashes };
}

const crashCounter = (type: string) => `kube_image_keeper_actor_crashes_total{type="${type}"} 1`;

describe('a crash is in log and metric, and the work goes on', () => {
  test('of the keeping of copies', async () => {
    const { start, pass, broken, countOf, crashes, text } = await lead();
    broken.add(allCopies);
    await start();
    expect(crashes()).toMatchObject([
      { actor: 'reconcile:secret-copies', err: { message: 'a bug' } },
    ]);
    expect(await text()).toContain(crashCounter('reconcile'));
    await pass(1_000);
    expect(countOf(allCopies)).toBe(2);
    expect(crashes()).toHaveLength(1);
  });

  test('of the watch of one Secret', async () => {
    const { start, pass, broken, crashes, text, secrets } = await lead();
    broken.add(vault);
    await start();
    expect(crashes()).toMatchObject([
      { actor: 'secret-watch:vault/pull', err: { message: 'a bug' } },
    ]);
    expect(await text()).toContain(crashCounter('secret-watch'));
    expect(secrets.sources.find({ namespace: 'vault', name: 'pull' })).toBeUndefined();
    await pass(1_000);
    expect(secrets.sources.find({ namespace: 'vault', name: 'pull' })).toEqual({ kind: 'missing' });
    expect(crashes()).toHaveLength(1);
  });
});

describe('the keeping of copies', () => {
  test('begins when the Pods are known, not before, and lists all copies each minute', async () => {
    const { start, pass, pods, countOf } = await lead({ known: false });
    await start();
    await pass(120_000);
    expect(countOf(allCopies)).toBe(0);
    pods.finishList(new Set());
    await settled();
    await pass(1);
    expect(countOf(allCopies)).toBe(1);
    await pass(59_000);
    expect(countOf(allCopies)).toBe(1);
    await pass(1_000);
    expect(countOf(allCopies)).toBe(2);
  });

  test('ends with the term, and the next term begins anew', async () => {
    const { start, pass, system, countOf, secrets } = await lead();
    await start();
    system.follow();
    await pass(600_000);
    expect(countOf(allCopies)).toBe(1);
    expect(secrets.sources.find({ namespace: 'vault', name: 'pull' })).toBeUndefined();
    await start();
    expect(countOf(allCopies)).toBe(2);
    expect(secrets.sources.find({ namespace: 'vault', name: 'pull' })).toEqual({ kind: 'missing' });
  });
});
