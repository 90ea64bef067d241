import { describe, expect, test } from 'vitest';
import { startMirroring } from '#test/support/mirroring/mirroring-stage.ts';

const nginx = 'docker.io/library/nginx:1';
const mirror = 'mirror.example.com';
const copy = `${mirror}/m/library/nginx:1`;
const resource = 'ClusterImageSetMirror/all';
const minuteMs = 60_000;
const unreachable = { side: 'target', reason: 'unreachable' } as const;

/** A resource about everything, a Pod that runs nginx, and its copy. */
async function begin() {
  const stage = startMirroring();
  stage.twin.push(nginx);
  stage.run('web', nginx);
  stage.declare('ClusterImageSetMirror', 'all', {
    imageFilter: { include: ['.+'] },
    mirrors: [{ registry: mirror, path: '/m' }],
    cleanup: { enabled: true, retention: '1m' },
  });
  await stage.lead();
  await stage.pass(1_000);
  const [known] = stage.images(resource);
  return { stage, mirroredAtMs: known?.copies[0]?.mirroredAtMs };
}

describe('a mirror that is away at the hourly look', () => {
  test('loses no copy by that, and is sent none again', async () => {
    const { stage, mirroredAtMs } = await begin();
    await stage.pass(55 * minuteMs, 20_000);
    stage.twin.fail(mirror, unreachable);
    await stage.pass(10 * minuteMs, 20_000);
    expect(stage.twin.looked).not.toEqual([]);
    const copies = [{ state: 'Available', mirroredAtMs }];
    expect(stage.images(resource)).toMatchObject([{ copies }]);
    stage.twin.fail(mirror);
    await stage.pass(10 * minuteMs, 20_000);
    expect(stage.images(resource)).toMatchObject([{ copies }]);
    expect(stage.twin.copied).toHaveLength(1);
    expect(stage.bugs()).toEqual([]);
  });

  test('has its copies looked at again within the next hour, and what went meanwhile is copied', async () => {
    const { stage } = await begin();
    await stage.pass(55 * minuteMs, 20_000);
    stage.twin.fail(mirror, unreachable);
    stage.twin.images.delete(copy);
    await stage.pass(10 * minuteMs, 20_000);
    stage.twin.fail(mirror);
    await stage.pass(60 * minuteMs, 20_000);
    expect(stage.twin.images.has(copy)).toBe(true);
  });
});

describe('a leader that is none for ten minutes, since the API server is away', () => {
  test('looks, copies and deletes nothing meanwhile, and looks at all copies at once when it leads again', async () => {
    const { stage } = await begin();
    await stage.pass(55 * minuteMs, 20_000);
    stage.system.follow();
    const [looked, copied] = [stage.twin.looked.length, stage.twin.copied.length];
    stage.run('late', 'docker.io/library/redis:1');
    stage.twin.push('docker.io/library/redis:1');
    stage.end('web');
    await stage.pass(10 * minuteMs, 20_000);
    expect(stage.twin.looked).toHaveLength(looked);
    expect(stage.twin.copied).toHaveLength(copied);
    expect(stage.twin.deleted).toEqual([]);
    await stage.lead();
    await stage.pass(10_000);
    expect(stage.twin.looked.length).toBeGreaterThan(looked);
    expect(stage.twin.copied).toHaveLength(copied + 1);
    expect(stage.bugs()).toEqual([]);
  });
});
