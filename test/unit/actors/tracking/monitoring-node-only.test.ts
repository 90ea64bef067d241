import { expect, test } from 'vitest';
import { imagePatterns } from '#core/filter/image-patterns.ts';
import { succeed } from '#core/result.ts';
import { listStatus } from '#test/support/monitoring/list-status.ts';
import { answered, startMonitoring } from '#test/support/monitoring/monitoring-stage.ts';
import { everything, image, restored } from '#test/support/monitoring/restored-images.ts';

/** A routing probe for one image of the team. */
const probeOf = (name: string) => ({
  reference: { registry: 'quay.io', path: `team/${name}`, tag: '1' },
  ...{ method: 'HEAD' as const, credentials: [], resolveDigest: false, timeoutMs: 1_000 },
});

test('an image that only kubelets can pull is never checked, and counts neither way', async () => {
  const stage = startMonitoring({
    isNodeOnly: imagePatterns(['quay\\.io/team/only.*']),
    restore: async () =>
      succeed([
        restored('only-before', { status: 'NotFound', lastMonitorMs: 1, lastError: 'gone' }),
        restored('checked', { status: 'NodeOnly' }),
      ]),
  });
  for (const name of ['only', 'only-before', 'checked']) stage.run(name, image(name));
  stage.declare('all', everything);
  await stage.lead();
  await stage.pass(1_000);
  stage.see(probeOf('only'), answered({ kind: 'NotFound', message: '404' }));
  await stage.pass(60_000);
  expect(new Set(stage.sent.map(({ reference }) => reference.path))).toEqual(
    new Set(['team/checked']),
  );
  const byName = new Map(stage.tracked('all').map((tracked) => [tracked.image, tracked]));
  expect(byName.get(image('only'))).toMatchObject({ status: 'NodeOnly', original: true });
  expect(byName.get(image('only-before'))).not.toHaveProperty('lastMonitorMs');
  expect(byName.get(image('only-before'))).not.toHaveProperty('lastError');
  expect(byName.get(image('checked'))).toMatchObject({ status: 'Available' });
  expect(stage.monitoring.pace.countsOf('all')).toEqual(new Map([['quay.io', 1]]));
  const { imageCount, availableCount, missingCount } = listStatus(byName.values()).status;
  expect([imageCount, availableCount, missingCount]).toEqual([3, 1, 0]);
  expect(stage.bugs()).toEqual([]);
});

test('an image that only kubelets can pull stays so while its registry is down', async () => {
  const stage = startMonitoring({ isNodeOnly: imagePatterns(['quay\\.io/team/only.*']) });
  for (const name of ['only', 'checked']) stage.run(name, image(name));
  stage.declare('all', everything);
  stage.answerWith(() => ({ kind: 'SetAside', message: 'quay.io: connection refused' }));
  await stage.lead();
  await stage.pass(60_000);
  const statuses = stage.tracked('all').map(({ image: name, status }) => `${name} ${status}`);
  expect(statuses.toSorted()).toEqual([
    `${image('checked')} Unreachable`,
    `${image('only')} NodeOnly`,
  ]);
  expect(stage.sent.map(({ reference }) => reference.path)).not.toContain('team/only');
  expect(stage.bugs()).toEqual([]);
});
