import { describe, expect, onTestFinished, test } from 'vitest';
import { addRegistries } from '#actors/registries/registries.ts';
import { KuikSystem } from '#actors/system.ts';
import type { Credential } from '#core/credentials.ts';
import { succeed } from '#core/result.ts';
import type { Reachability } from '#machines/registry.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';
import { turns } from '#test/support/time/turns.ts';

const alice: Credential = { source: 'a/pull', username: 'alice', password: 'one' };
const bob: Credential = { source: 'b/pull', username: 'bob', password: 'two' };

/** Registries of which nobody asks anything; transfers tell of them. */
function start() {
  const runtime = createTestRuntime();
  const system = new KuikSystem(runtime);
  const registries = addRegistries(system, {
    client: {
      ping: () => new Promise(() => {}),
      manifest: async () => succeed({ status: 200 }),
    },
    ...{ paceOf: () => ({ intervalMs: 1_000, maxPerInterval: 1 }), pingTimeoutMs: 1_000 },
    treatmentOf: () => ({}),
  });
  system.start();
  onTestFinished(() => {
    registries.close();
    system.stop();
  });
  return { runtime, registries };
}

describe('a transfer', () => {
  test('whose connection fails makes a suspect; any answer ends that, and both are told', async () => {
    const { registries } = start();
    const seen: (readonly [string, Reachability | undefined])[] = [];
    registries.onReachability((host, reachability) => seen.push([host, reachability]));
    registries.tell('quay.io', { kind: 'failed', message: 'refused' });
    await turns();
    expect(registries.reachability('quay.io')).toBe('Suspect');
    registries.tell('quay.io', { kind: 'answered' });
    await turns();
    expect(registries.reachability('quay.io')).toBe('Closed');
    expect(seen.map(([, reachability]) => reachability)).toContain('Suspect');
    expect(seen.at(-1)).toEqual(['quay.io', 'Closed']);
  });

  test('that is told to wait holds up that credential for all who have it, and no other', async () => {
    const { runtime, registries } = start();
    const retryAtMs = runtime.now() + 10_000;
    const throttled = { kind: 'throttled', message: '429', retryAtMs } as const;
    registries.tell('quay.io', { ...throttled, credentials: [alice] });
    await turns();
    expect(registries.quotaOf('quay.io', [alice])).toMatchObject({ retryAtMs, message: '429' });
    expect(registries.quotaOf('quay.io', [alice, bob])).toBeUndefined();
    expect(registries.quotaOf('quay.io', [])).toBeUndefined();
    runtime.clock.advance(10_001);
    expect(registries.quotaOf('quay.io', [alice])).toBeUndefined();
  });

  test('by nobody is one that has no credential', async () => {
    const { runtime, registries } = start();
    const retryAtMs = runtime.now() + 10_000;
    registries.tell('quay.io', { kind: 'throttled', message: '429', retryAtMs, credentials: [] });
    await turns();
    expect(registries.quotaOf('quay.io', [])).toMatchObject({ retryAtMs });
    expect(registries.quotaOf('quay.io', [bob])).toBeUndefined();
  });
});
