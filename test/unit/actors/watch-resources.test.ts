import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KuikSystem } from '#actors/system.ts';
import { addWatchedResources } from '#actors/watch-resources.ts';
import { expiredQuietMs } from '#core/mirroring/copy-deletion.ts';
import { succeed } from '#core/result.ts';
import type { ApiCall, KubeClient } from '#kube/client.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An API server whose lists are empty and whose watches say nothing, for ever. */
function startWatching(platforms: 'auto' | 'all' = 'auto') {
  const opened: { readonly resource: string; readonly seconds: number }[] = [];
  const resourceOf = ({ path }: Pick<ApiCall, 'path'>) => path.split('/').at(-1) ?? '';
  const list = { metadata: { resourceVersion: '7' }, items: [] };
  const stream = async (call: ApiCall, signal: AbortSignal) => {
    opened.push({ resource: resourceOf(call), seconds: Number(call.query?.['timeoutSeconds']) });
    const ended = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    // biome-ignore lint/correctness/useYield: nothing is said.
    const lines = (async function* () {
      await ended;
    })();
    return succeed(lines);
  };
  const client = { call: async () => succeed(list), stream } as unknown as KubeClient;
  const system = new KuikSystem(createTestRuntime());
  const { synced } = addWatchedResources(system, client, { platforms });
  system.start();
  const of = (resource: string) => opened.filter((one) => one.resource === resource);
  return { system, of, synced };
}

test('every replica hears of an Expired copy before it is deleted, though its watch be dead', async () => {
  const { system, of } = startWatching();
  await vi.advanceTimersByTimeAsync(1_000);
  const mirrors = ['imagesetmirrors', 'clusterimagesetmirrors'];
  for (const resource of mirrors) {
    expect(of(resource)).toHaveLength(1);
    expect(of(resource)[0]?.seconds).toBeLessThan(expiredQuietMs / 1_000 - 5);
  }
  expect(of('pods')[0]?.seconds).toBeGreaterThanOrEqual(300);
  await vi.advanceTimersByTimeAsync(expiredQuietMs - 2_000);
  // The pause before the next watch passes for good.
  await delay(600);
  for (const resource of mirrors) expect(of(resource).length).toBeGreaterThan(1);
  expect(of('pods')).toHaveLength(1);
  system.stop();
});

test('nodes are asked for only where copies are cut to what they can run', async () => {
  const cut = startWatching();
  const whole = startWatching('all');
  await vi.advanceTimersByTimeAsync(1_000);
  expect([cut, whole].map(({ of }) => of('nodes').length)).toEqual([1, 0]);
  expect(Object.keys(whole.synced())).not.toContain('nodes');
  for (const { system } of [cut, whole]) system.stop();
});
