import { describe, expect, test } from 'vitest';
import { digestOf } from '#test/support/mirroring/copier-twin.ts';
import { startMirroring } from '#test/support/mirroring/mirroring-stage.ts';

const nginx = 'docker.io/library/nginx:1';
const everything = { imageFilter: { include: ['.+'] } };
const to = (...registries: readonly string[]) => ({
  mirrors: registries.map((registry) => ({ registry, path: '/m' })),
});
const resource = 'ClusterImageSetMirror/all';

/** A resource about everything, and a Pod that runs nginx. */
async function begin(spec: object = to('mirror.example.com')) {
  const stage = startMirroring();
  stage.twin.push(nginx);
  stage.run('web', nginx);
  stage.declare('ClusterImageSetMirror', 'all', { ...everything, ...spec });
  await stage.lead();
  return stage;
}

describe('an image that a Pod runs', () => {
  test('is copied within a fifth of a second, and stands in the status before its first byte', async () => {
    const stage = await begin();
    await stage.pass(200);
    expect(stage.images(resource)).toMatchObject([
      {
        image: nginx,
        copies: [
          {
            ...{ copy: 'mirror.example.com/m/library/nginx:1', state: 'Available' },
            ...{ digest: digestOf(nginx), sourceDigest: digestOf(nginx) },
          },
        ],
      },
    ]);
    const [first] = stage.server.written.filter(({ path }) => path.endsWith('/status'));
    expect(first?.body).toMatchObject({
      status: { matchingImages: [{ image: nginx, mirrors: [{ state: 'Scheduled' }] }] },
    });
    expect(stage.stateOf('mirror-set:ClusterImageSetMirror/all')).toEqual(['Waiting']);
    expect(stage.stateOf('mirror-target:mirror.example.com/m')).toEqual(['Idle']);
    expect(stage.bugs()).toEqual([]);
  });

  test('is no more copied than anything else where only kubelets can pull it', async () => {
    const stage = await begin();
    stage.run('own', 'node-only.example.com/own:1');
    await stage.pass(1_000);
    expect(stage.images(resource).map(({ image }) => image)).toEqual([nginx]);
  });

  test('is copied for two resources once, and each tells of it', async () => {
    const stage = await begin();
    stage.declare('ClusterImageSetMirror', 'same', { ...everything, ...to('mirror.example.com') });
    await stage.pass(1_000);
    expect(stage.twin.copied).toHaveLength(1);
    for (const name of [resource, 'ClusterImageSetMirror/same']) {
      expect(stage.images(name)).toMatchObject([{ copies: [{ state: 'Available' }] }]);
    }
  });

  test('that fails of what time heals is tried again, doubling; a new pull secret tries at once', async () => {
    const stage = startMirroring();
    stage.run('web', nginx);
    stage.declare('ClusterImageSetMirror', 'all', { ...everything, ...to('mirror.example.com') });
    await stage.lead();
    await stage.pass(10_000);
    // At once, then after 1, 2 and 4 s.
    expect(stage.twin.copied).toHaveLength(4);
    expect(stage.images(resource)).toMatchObject([
      { copies: [{ state: 'BackingOff', failure: 'not-found', lastError: `${nginx}: 404` }] },
    ]);
    stage.run('web', nginx, { pullSecrets: ['other'] });
    await stage.pass(200);
    expect(stage.twin.copied).toHaveLength(5);
  });

  test('that fails of what time does not heal waits for a change, or an hour', async () => {
    const stage = await begin();
    stage.twin.fail('mirror.example.com', { side: 'target', reason: 'manifest-refused' });
    stage.twin.images.clear();
    stage.lose(resource, 'mirror.example.com/m/library/nginx:1');
    stage.twin.push(nginx);
    await stage.pass(60_000, 1_000);
    expect(stage.images(resource)).toMatchObject([{ copies: [{ state: 'Failed' }] }]);
    const { length } = stage.twin.copied;
    stage.twin.fail('mirror.example.com');
    await stage.pass(3_500_000, 100_000);
    expect(stage.twin.copied).toHaveLength(length);
    await stage.pass(200_000, 100_000);
    expect(stage.images(resource)).toMatchObject([{ copies: [{ state: 'Available' }] }]);
  });

  test('is not copied any more once its Pod has gone: what is in flight is called off', async () => {
    const stage = await begin();
    const letGo = stage.twin.hold();
    stage.run('other', 'docker.io/library/redis:1');
    stage.twin.push('docker.io/library/redis:1');
    await stage.pass(200);
    expect(stage.mirroring.running().map(({ image }) => image)).toContain(
      'docker.io/library/redis:1',
    );
    stage.end('other');
    await stage.pass(200);
    expect(stage.mirroring.running().map(({ image }) => image)).not.toContain(
      'docker.io/library/redis:1',
    );
    letGo();
    await stage.pass(200);
    expect(stage.twin.images.has('mirror.example.com/m/library/redis:1')).toBe(false);
  });
});

describe('a mirror', () => {
  test('that does not answer backs off as a whole, and others go on', async () => {
    const stage = await begin(to('dead.example.com', 'mirror.example.com'));
    const down = { side: 'target', reason: 'unreachable', silent: true } as const;
    stage.twin.fail('dead.example.com', down);
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      stage.twin.push(`quay.io/team/${name}:1`);
      stage.run(name, `quay.io/team/${name}:1`);
    }
    await stage.pass(900);
    const copies = stage.images(resource).flatMap((image) => image.copies);
    const at = (registry: string) => copies.filter(({ copy }) => copy.startsWith(registry));
    expect(at('mirror.').map(({ state }) => state)).toEqual(Array(7).fill('Available'));
    expect(stage.stateOf('mirror-target:dead.example.com/m')).toEqual(['BackingOff']);
    // As many as are in flight at once; the others wait in line.
    const tried = stage.twin.copied.filter(({ target }) => target.registry === 'dead.example.com');
    expect(tried.length).toBeLessThanOrEqual(2);
    stage.twin.fail('dead.example.com');
    await stage.pass(5_000);
    expect(
      stage.images(resource).flatMap((image) => image.copies.map(({ state }) => state)),
    ).toEqual(Array(14).fill('Available'));
  });

  test('makes as many copies at once as is configured, those first that Pods wait for', async () => {
    const stage = await begin();
    await stage.pass(200);
    const letGo = stage.twin.hold();
    for (const name of ['a', 'b', 'c', 'd']) {
      stage.twin.push(`quay.io/team/${name}:1`);
      stage.run(name, `quay.io/team/${name}:1`);
    }
    stage.twin.push('quay.io/team/urgent:1');
    await stage.pass(100);
    stage.run('urgent', 'quay.io/team/urgent:1', { waiting: ['app'] });
    await stage.pass(100);
    expect(stage.mirroring.running()).toHaveLength(2);
    expect(stage.mirroring.queues()).toMatchObject([{ waiting: 3, running: 2 }]);
    letGo();
    await stage.pass(1_000);
    const paths = stage.twin.copied.map(({ source }) => source.path);
    expect(paths.indexOf('team/urgent')).toBe(3);
  });

  test('is asked for its copies at the start of a term and once an hour; a lost one is copied again', async () => {
    const stage = await begin();
    await stage.pass(1_000);
    expect(stage.twin.looked).toEqual([]);
    await stage.pass(3_700_000, 20_000);
    expect(stage.twin.looked).toHaveLength(1);
    stage.twin.images.delete('mirror.example.com/m/library/nginx:1');
    await stage.pass(3_700_000, 20_000);
    expect(stage.twin.looked).toHaveLength(2);
    expect(stage.twin.images.has('mirror.example.com/m/library/nginx:1')).toBe(true);
    expect(stage.bugs()).toEqual([]);
  });
});

describe('a copy that is found to be gone', () => {
  const copy = 'mirror.example.com/m/library/nginx:1';

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

describe('two images with one place', () => {
  const quay = 'quay.io/library/nginx:1';

  test('collide: who is there keeps it, and nothing is overwritten', async () => {
    const stage = await begin();
    await stage.pass(500);
    stage.twin.push(quay, 'something else');
    stage.run('other', quay);
    await stage.pass(5_000);
    const [first, second] = stage.images(resource);
    expect(first).toMatchObject({ image: nginx, copies: [{ state: 'Available' }] });
    expect(second).toMatchObject({ image: quay, copies: [{ state: 'Collision' }] });
    expect(second?.copies[0]?.lastError).toContain(nginx);
    expect(stage.twin.images.get('mirror.example.com/m/library/nginx:1')).toBe(digestOf(nginx));
    stage.end('web');
    stage.declare('ClusterImageSetMirror', 'all', {
      ...{ imageFilter: { include: ['quay.io/.+'] }, ...to('mirror.example.com') },
    });
    await stage.pass(5_000);
    // What is there is kept for as long as nothing says that it may go.
    expect(stage.images(resource)[1]).toMatchObject({ copies: [{ state: 'Collision' }] });
  });

  test('share it where a set declares them to be the same', async () => {
    const stage = await begin();
    stage.twin.push(quay, 'another build');
    stage.declare('ClusterReplicatedImageSet', 'same', {
      upstreams: [
        { registry: 'docker.io', path: '/library', imageFilter: { include: ['.+'] } },
        { registry: 'quay.io', path: '/library', imageFilter: { include: ['.+'] } },
      ],
    });
    await stage.pass(500);
    stage.run('other', quay);
    await stage.pass(2_000);
    const states = stage.images(resource).flatMap(({ copies }) => copies.map(({ state }) => state));
    expect(states).toEqual(['Available', 'Available']);
    expect(stage.twin.images.get('mirror.example.com/m/library/nginx:1')).toBe(digestOf(nginx));
  });
});

describe('the end of the process', () => {
  test('waits for what is in flight, for five seconds at most, and begins nothing', async () => {
    const stage = await begin();
    await stage.pass(500);
    const letGo = stage.twin.hold();
    for (const name of ['a', 'b', 'c']) {
      stage.twin.push(`quay.io/team/${name}:1`);
      stage.run(name, `quay.io/team/${name}:1`);
    }
    await stage.pass(200);
    expect(stage.mirroring.running()).toHaveLength(2);
    let isOver = false;
    void stage.mirroring.drain().then(() => {
      isOver = true;
    });
    await stage.pass(4_000);
    expect(isOver).toBe(false);
    letGo();
    await stage.pass(200);
    expect(isOver).toBe(true);
    // The third waited in line, and is the next leader's.
    expect(stage.twin.copied).toHaveLength(3);
  });

  test('is held up by nothing that takes longer', async () => {
    const stage = await begin();
    stage.twin.hold();
    await stage.pass(200);
    let isOver = false;
    void stage.mirroring.drain().then(() => {
      isOver = true;
    });
    await stage.pass(5_500);
    expect(isOver).toBe(true);
  });
});

test('a mirror that no resource has any more leaves no actor behind', async () => {
  const stage = await begin(to('mirror.example.com', 'other.example.com'));
  await stage.pass(1_000);
  expect(stage.stateOf('mirror-target:other.example.com/m')).toEqual(['Idle']);
  stage.declare('ClusterImageSetMirror', 'all', { ...everything, ...to('mirror.example.com') });
  await stage.pass(1_000);
  expect(stage.stateOf('mirror-target:other.example.com/m')).toBeUndefined();
  expect(stage.stateOf('reconcile:copy-looks/other.example.com/m')).toBeUndefined();
  expect(stage.twin.images.has('other.example.com/m/library/nginx:1')).toBe(true);
  stage.remove('ClusterImageSetMirror', 'all');
  await stage.pass(1_000);
  expect(stage.stateOf('mirror-target:mirror.example.com/m')).toBeUndefined();
  expect(stage.stateOf('mirror-set:ClusterImageSetMirror/all')).toBeUndefined();
});
