import { expect, test } from 'vitest';
import { podOf } from '#test/support/routing/pods.ts';
import { type CopyRow, made, recording } from '#test/support/routing/recorded-copies.ts';
import { clusterMirror } from '#test/support/routing/resources.ts';
import { available, equal, everything, image, route } from '#test/support/routing/route-once.ts';

const copy = 'harbor.example.com/m/team/app:1';
const mirror = clusterMirror('m', {
  imageFilter: everything,
  mirrors: [{ registry: 'harbor.example.com', path: '/m' }],
});
const recorded = (state: CopyRow[2]) => recording(mirror, [image, copy, state]);
const expired = recorded({ ...made, state: 'Expired' });
const why = `${copy} is not offered: it may be deleted at any time (Expired)`;

test('a copy that is left out is not asked for, and a Pod that stays with its image is told why', async () => {
  const { stage, answer, images } = await route({ resources: [expired] });
  expect([images, stage.asked]).toEqual([[image], []]);
  expect(answer.decisions[0]).toMatchObject({
    reason: 'OnlyCandidate',
    message: `app keeps ${image}: ${why}`,
  });
  expect(answer.warnings).toEqual([]);
});

test('a Pod for which nothing else is available is warned of the copies that were left out', async () => {
  const { answer } = await route({ resources: [equal(), expired] });
  expect(answer.warnings).toHaveLength(1);
  expect(answer.warnings[0]).toContain(why);
});

test('a cut copy is for the Pods that its platforms cover', async () => {
  const cut = recorded({ ...made, platforms: ['linux/amd64'] });
  const images = { [copy]: available };
  const spec = { containers: [{ name: 'app', image }] };
  const on = (arch: string) =>
    podOf(image, { spec: { ...spec, nodeSelector: { 'kubernetes.io/arch': arch } } });
  const amd64 = await route({ resources: [cut], images }, on('amd64'));
  expect(amd64.images).toEqual([copy]);
  const arm64 = await route({ resources: [cut], images }, on('arm64'));
  expect(arm64.images).toEqual([image]);
  expect(arm64.answer.decisions[0]?.message).toContain('the Pod may run on arm64');
});
