import { expect, test } from 'vitest';
import { Recorder } from '#actors/insight/recorder.ts';
import type { Registries } from '#actors/registries/registries.ts';
import type { Circuit } from '#core/insight/registry-view.ts';
import { admissionOf, podOf } from '#test/support/routing/pods.ts';
import { available, equal, ghcr, image } from '#test/support/routing/route-once.ts';
import { startRouter } from '#test/support/routing/router-stage.ts';

test('a circuit is what it is since it moved, and not since something else of the registry did', () => {
  let now = 1_000;
  let tell: (host: string, to?: Circuit) => void = () => {};
  const recorder = new Recorder({ now: () => now, isKept: () => false });
  recorder.watch({
    onReachability: (listener: typeof tell) => {
      tell = listener;
    },
    onTimed: () => undefined,
    troubleOf: () => 'refused',
  } as unknown as Registries);
  tell('docker.io', 'Closed');
  expect(recorder.circuitSinceMs('docker.io')).toBeUndefined();
  tell('docker.io', 'Open');
  now = 9_000;
  // One that is down is asked again and again: that is no news.
  tell('docker.io', 'HalfOpen');
  tell('docker.io', 'Open');
  expect(recorder.circuitSinceMs('docker.io')).toBe(1_000);
  tell('docker.io', 'Closed');
  expect(recorder.circuitSinceMs('docker.io')).toBe(9_000);
  expect(recorder.circuitSinceMs('quay.io')).toBeUndefined();
  expect(recorder.moves().map(({ from, to }) => `${from} ${to}`)).toEqual([
    'Closed Open',
    'Open Closed',
  ]);
});

test('names that somebody makes up push no latencies out of registries that are kept', () => {
  let tell: (host: string, ms: number, isFailed: boolean) => void = () => {};
  const recorder = new Recorder({ now: () => 0, isKept: (host) => host === 'docker.io' });
  recorder.watch({
    onReachability: () => undefined,
    onTimed: (listener: typeof tell) => {
      tell = listener;
    },
  } as unknown as Registries);
  tell('docker.io', 7, false);
  for (let index = 0; index < 1_000; index += 1) tell(`made-up-${index}.example.com`, 7, true);
  expect(recorder.latencyOf('docker.io')[0]?.value.summary().count).toBe(1);
  // Of the others the newest, and no more than there is room for.
  expect(recorder.latencyOf('made-up-999.example.com')).toHaveLength(1);
  expect(recorder.latencyOf('made-up-0.example.com')).toHaveLength(0);
});

const odd: readonly [string, unknown][] = [
  ['no metadata', undefined],
  ['metadata that are null', null],
  ['a name that is null', { name: null, generateName: null }],
  ['owners that are null', { name: 'pod', ownerReferences: null }],
  ['owners that are a text', { name: 'pod', ownerReferences: 'me' }],
  ['an owner that is null', { name: 'pod', ownerReferences: [null] }],
  ['an owner without a name', { name: 'pod', ownerReferences: [{ controller: true }] }],
];

test.each(odd)('a Pod with %s is routed as any, and remembered', async (_, metadata) => {
  const recorder = new Recorder({ now: () => 0, isKept: () => false });
  const images = { [ghcr]: available };
  const { admit } = startRouter({ resources: [equal()], images, record: recorder.review });
  const pod = { ...podOf(image), metadata: metadata as never };
  const { decisions } = await admit(admissionOf(pod));
  expect(decisions).toMatchObject([{ winner: ghcr }]);
  expect(recorder.reviews.newest()).toMatchObject([{ namespace: 'default', decisions }]);
});

test('a dry run is not remembered, and what had no alternative is only counted', async () => {
  const recorder = new Recorder({ now: () => 0, isKept: () => false });
  const record = recorder.review;
  const routed = startRouter({ resources: [equal()], images: { [ghcr]: available }, record });
  await routed.admit(admissionOf(podOf(image), { dryRun: true }));
  expect(recorder.counts()).toEqual([]);
  await startRouter({ record }).admit(admissionOf(podOf(image)));
  await routed.admit(admissionOf(podOf(image)));
  expect(recorder.reviews.newest()).toHaveLength(1);
  expect(recorder.counts()).toEqual([
    { atMs: 0, value: { admitted: 2, rerouted: 1, unserved: 0 } },
  ]);
});
