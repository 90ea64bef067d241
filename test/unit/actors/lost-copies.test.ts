import { expect, onTestFinished, test } from 'vitest';
import { LostCopies } from '#actors/lost-copies/lost-copies.ts';
import type { ApiCall, KubeClient } from '#kube/client.ts';
import { createLog } from '#telemetry/log.ts';
import { admissionOf, podOf } from '#test/support/routing/pods.ts';
import { made, recording } from '#test/support/routing/recorded-copies.ts';
import { clusterMirror } from '#test/support/routing/resources.ts';
import { everything, image } from '#test/support/routing/route-once.ts';
import { startRouter } from '#test/support/routing/router-stage.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const lostCopy = (name: string) => ({
  resource: 'ClusterImageSetMirror/m',
  copy: `harbor.example.com/m/${name}:1`,
});

/** One replica, whose API server is away. */
function startReplica({ leads }: { readonly leads: boolean }) {
  const runtime = { ...createTestRuntime(), log: createLog({ level: 'silent', format: 'json' }) };
  const calls: ApiCall[] = [];
  const call = async (asked: ApiCall) => {
    calls.push(asked);
    return { ok: false, error: { kind: 'connection', message: 'it is away' } };
  };
  const lostCopies = new LostCopies(
    { runtime, leads: () => leads },
    {
      client: { call } as unknown as KubeClient,
      ...{ namespace: 'kuik-system', maxConcurrent: 2, timeoutMs: 0 },
    },
  );
  onTestFinished(lostCopies.close);
  const told: string[] = [];
  lostCopies.subscribe(({ copy }) => told.push(copy));
  return { lostCopies, told, calls, clock: runtime.clock };
}

test('the leader hears at once of what it saw itself, once for all Pods of a rollout', () => {
  const { lostCopies, told, calls, clock } = startReplica({ leads: true });
  for (const name of ['a', 'a', 'b', 'a']) lostCopies.report(lostCopy(name));
  expect(told).toEqual([lostCopy('a').copy, lostCopy('b').copy]);
  clock.advance(10_000);
  lostCopies.report(lostCopy('a'));
  expect(told).toHaveLength(3);
  expect(calls).toEqual([]);
});

test('another replica hands it over, to nobody while there is no way to', async () => {
  const { lostCopies, told, calls } = startReplica({ leads: false });
  for (const name of ['a', 'a', 'b', 'c']) lostCopies.report(lostCopy(name));
  await expect.poll(() => calls.length).toBe(3);
  expect(new Set(calls.map(({ path }) => path))).toEqual(
    new Set(['/api/v1/namespaces/kuik-system/configmaps/kuik-lost-copies']),
  );
  expect(new Set(calls.map(({ query }) => query?.['fieldManager'])).size).toBe(3);
  expect(told).toEqual([]);
});

test('a review tells of a recorded copy that was not found, unless it is a dry run', async () => {
  const copy = 'harbor.example.com/m/team/app:1';
  const spec = {
    priority: -1,
    imageFilter: everything,
    mirrors: [{ registry: 'harbor.example.com', path: '/m' }],
  };
  const resources = [recording(clusterMirror('m', spec), [image, copy, made])];
  const images = {
    [copy]: { kind: 'NotFound', afterMs: 0 },
    [image]: { kind: 'Available', afterMs: 0 },
  } as const;
  const { lostCopies, told } = startReplica({ leads: true });
  const { admit } = startRouter({ resources, images, lostCopies });
  await admit(admissionOf(podOf(image), { dryRun: true }));
  expect(told).toEqual([]);
  await admit(admissionOf(podOf(image)));
  expect(told).toEqual([copy]);
});
