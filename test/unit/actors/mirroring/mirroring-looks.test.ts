import { describe, expect, test } from 'vitest';
import { startMirroring } from '#test/support/mirroring/mirroring-stage.ts';

const nginx = 'docker.io/library/nginx:1';
const copy = 'mirror.example.com/m/library/nginx:1';
const resource = 'ClusterImageSetMirror/all';
const spec = {
  imageFilter: { include: ['.+'] },
  mirrors: [{ registry: 'mirror.example.com', path: '/m' }],
};

/** A resource about everything, and a Pod that runs nginx. */
async function begin() {
  const stage = startMirroring();
  stage.twin.push(nginx);
  stage.run('web', nginx);
  stage.declare('ClusterImageSetMirror', 'all', spec);
  await stage.lead();
  return stage;
}

describe('a copy that is found to be gone', () => {
  test.each(['review', 'check'] as const)('by a %s is copied again at once', async (who) => {
    const stage = await begin();
    await stage.pass(1_000);
    const find = (result: string) =>
      who === 'review' ? stage.lose(resource, copy) : stage.check(copy, result);
    if (who === 'check') find('Unreachable');
    await stage.pass(1_000);
    expect(stage.twin.copied).toHaveLength(1);
    stage.twin.images.delete(copy);
    const answer = stage.twin.hold();
    find('NotFound');
    await stage.pass(1_000);
    expect(stage.images(resource)[0]?.copies[0]).not.toHaveProperty('mirroredAtMs');
    answer();
    await stage.pass(1_000);
    expect(stage.twin.images.has(copy)).toBe(true);
    expect(stage.images(resource)).toMatchObject([{ copies: [{ state: 'Available' }] }]);
  });
});
