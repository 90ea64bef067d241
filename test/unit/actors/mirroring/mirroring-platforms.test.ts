import { describe, expect, test } from 'vitest';
import type { PlatformsSetting } from '#core/mirroring/platforms.ts';
import { digestOf } from '#test/support/mirroring/copier-twin.ts';
import { startMirroring } from '#test/support/mirroring/mirroring-stage.ts';

const image = 'quay.io/team/a:1';
const copy = 'mirror.example.com/m/team/a:1';
const resource = 'ClusterImageSetMirror/all';
const spec = {
  imageFilter: { include: ['.+'] },
  mirrors: [{ registry: 'mirror.example.com', path: '/m' }],
};
const [amd64, arm64] = [{ architecture: 'amd64' }, { architecture: 'arm64' }];

/** A cut copy stands, as a status of another term tells. */
async function begin(platforms: PlatformsSetting, has = ['linux/amd64', 'linux/arm64']) {
  const stage = startMirroring({ platforms });
  stage.twin.pushIndex(image, [...has, 'linux/s390x']);
  stage.twin.push(copy, 'the cut copy');
  stage.run('a', image);
  const standing = {
    ...{ image: copy, state: 'Available', mirroredAt: '2025-12-01T00:00:00Z', adopted: false },
    ...{ digest: digestOf('the cut copy'), sourceDigest: digestOf(image) },
    platforms: ['linux/amd64'],
  };
  const status = { matchingImages: [{ image, mirrors: [standing] }] };
  stage.declare('ClusterImageSetMirror', 'all', spec, { status });
  await stage.lead();
  const copyNow = () => stage.images(resource)[0]?.copies[0];
  return {
    stage,
    copyNow,
    letJoin: (architecture: string) => stage.nodes.put(architecture, { architecture }),
  };
}

describe('a cut copy that stands', () => {
  test('and lacks a platform that is configured by now is made anew, and offered until then', async () => {
    const { stage, copyNow } = await begin([amd64, arm64]);
    const letGo = stage.twin.hold();
    await stage.pass(2_000);
    expect(stage.twin.copied).toHaveLength(1);
    expect(copyNow()).toMatchObject({ state: 'Available', platforms: ['linux/amd64'] });
    letGo();
    await stage.pass(1_000);
    expect(copyNow()).toMatchObject({
      ...{ state: 'Available', platforms: ['linux/amd64', 'linux/arm64'] },
      ...{ digest: stage.twin.images.get(copy), sourceDigest: digestOf(image) },
    });
    expect(copyNow()?.digest).not.toBe(digestOf('the cut copy'));
    expect(copyNow()).not.toHaveProperty('lastError');
    expect(stage.bugs()).toEqual([]);
  });

  test('is made whole where all platforms are wanted by now', async () => {
    const { stage, copyNow } = await begin('all');
    await stage.pass(2_000);
    expect(copyNow()).toMatchObject({ state: 'Available', digest: digestOf(image) });
    expect(copyNow()).not.toHaveProperty('platforms');
    expect(stage.twin.copied).toHaveLength(1);
  });

  test('and lacks what its source has not is asked about once a term', async () => {
    const { stage, copyNow } = await begin([amd64, { architecture: 'riscv64' }]);
    await stage.pass(2_000);
    stage.declare('ClusterImageSetMirror', 'all', { ...spec, imageFilter: { include: ['.*'] } });
    await stage.pass(2 * 3_600_000, 60_000);
    expect(stage.twin.reads).toHaveLength(1);
    expect(copyNow()).toMatchObject({ state: 'Available', platforms: ['linux/amd64'] });
  });

  test('whose source has nothing of what is wanted stays, and is asked about once', async () => {
    const { stage, copyNow } = await begin([{ architecture: 'riscv64' }], []);
    await stage.pass(2_000);
    await stage.pass(3 * 3_600_000, 60_000);
    expect(stage.twin.copied.length).toBeLessThanOrEqual(1);
    expect(copyNow()).toMatchObject({ platforms: ['linux/amd64'] });
  });

  test('holds more than is wanted and is left alone', async () => {
    const { stage, copyNow } = await begin([amd64]);
    await stage.pass(2_000);
    expect(stage.twin.copied).toEqual([]);
    expect(copyNow()).toMatchObject({ state: 'Available', digest: digestOf('the cut copy') });
  });

  test('is tried again after a failure, and offered all the time', async () => {
    const { stage, copyNow } = await begin([amd64, arm64]);
    stage.twin.fail('quay.io', { side: 'source', reason: 'unreachable' });
    await stage.pass(5_000);
    expect(stage.twin.copied.length).toBeGreaterThan(1);
    expect(copyNow()).toMatchObject({
      platforms: ['linux/amd64'],
      mirroredAtMs: expect.anything(),
    });
    expect(['BackingOff', 'Available']).toContain(copyNow()?.state);
    stage.twin.fail('quay.io');
    await stage.pass(10_000);
    expect(copyNow()).toMatchObject({ platforms: ['linux/amd64', 'linux/arm64'] });
    expect(copyNow()).not.toHaveProperty('lastError');
  });

  test('is made anew from what it was made from, wherever its tag leads by now', async () => {
    const { stage, copyNow } = await begin([amd64, arm64]);
    stage.twin.pushIndex(image, ['linux/amd64', 'linux/arm64'], 'another build');
    await stage.pass(2_000);
    expect(copyNow()).toMatchObject({ sourceDigest: digestOf(image) });
    expect(copyNow()?.platforms).toEqual(['linux/amd64', 'linux/arm64']);
  });
});

describe('with auto', () => {
  test('a node of a new architecture has copies made anew, once, whoever comes and goes', async () => {
    const { stage, copyNow, letJoin } = await begin('auto');
    await stage.pass(2_000);
    expect(stage.twin.copied).toEqual([]);
    letJoin('arm64');
    await stage.pass(15_000);
    expect(copyNow()).toMatchObject({ platforms: ['linux/amd64', 'linux/arm64'] });
    expect(stage.twin.copied).toHaveLength(1);
    for (const architecture of ['amd64', 'arm64', 'arm64', 'amd64']) {
      stage.nodes.remove('node-1');
      stage.nodes.remove(architecture);
      await stage.pass(15_000);
      letJoin(architecture);
      await stage.pass(15_000);
    }
    expect(stage.twin.copied).toHaveLength(1);
    expect(copyNow()).toMatchObject({ platforms: ['linux/amd64', 'linux/arm64'] });
  });

  test('what nobody uses is not made anew before a Pod comes', async () => {
    const { stage, copyNow, letJoin } = await begin('auto');
    await stage.pass(1_000);
    stage.end('a');
    await stage.pass(1_000);
    letJoin('arm64');
    await stage.pass(15_000);
    expect(stage.twin.copied).toEqual([]);
    stage.run('b', image);
    await stage.pass(2_000);
    expect(copyNow()).toMatchObject({ platforms: ['linux/amd64', 'linux/arm64'] });
  });
});
