import { describe, expect, test } from 'vitest';
import { SourceQuotas } from '#actors/mirroring/source-quotas.ts';
import type { SecretAnswer } from '#core/secret.ts';
import { digestOf } from '#test/support/mirroring/copier-twin.ts';
import {
  type MirroringStageOptions,
  stageStartMs,
  startMirroring,
} from '#test/support/mirroring/mirroring-stage.ts';

const everything = { imageFilter: { include: ['.+'] } };
const mirrors = [{ registry: 'mirror.example.com', path: '/m' }];
const resource = 'ClusterImageSetMirror/all';

/** A docker config that opens registries with a password. */
function secret(namespace: string, name: string, auths: Record<string, string>): SecretAnswer {
  const config = Object.entries(auths).map(([host, password]) => [
    host,
    { username: 'robot', password },
  ]);
  return {
    kind: 'found',
    isCopy: false,
    secret: {
      ...{ namespace, name, type: 'kubernetes.io/dockerconfigjson' },
      data: { '.dockerconfigjson': JSON.stringify({ auths: Object.fromEntries(config) }) },
    },
  };
}

async function begin(given: MirroringStageOptions, ...names: readonly string[]) {
  const stage = startMirroring(given);
  for (const name of names) {
    stage.twin.push(`quay.io/team/${name}:1`);
    stage.run(name, `quay.io/team/${name}:1`);
  }
  stage.declare('ClusterImageSetMirror', 'all', { ...everything, mirrors });
  await stage.lead();
  return stage;
}

describe('a source', () => {
  test('is read at its pace, one image a slot for all mirrors, and holds up no other', async () => {
    const copyPace = { intervalMs: 20_000, maxPerInterval: 2 };
    const stage = await begin({ copyPace }, 'a', 'b', 'c');
    await stage.pass(5_000);
    expect(stage.twin.copied).toHaveLength(1);
    await stage.pass(10_000);
    expect(stage.twin.copied).toHaveLength(2);
    await stage.pass(10_000);
    expect(stage.twin.copied).toHaveLength(3);
    const copies = stage.images(resource).flatMap((image) => image.copies);
    expect(copies.map(({ state }) => state)).toEqual(Array(3).fill('Available'));
  });

  test('keeps its share of a quota for Pods: copies wait until that is whole again', async () => {
    const quotas = new SourceQuotas({ now: () => stage.runtime.now() }, 0.3);
    const stage = startMirroring({ quotas });
    stage.twin.push('quay.io/team/a:1');
    stage.run('a', 'quay.io/team/a:1');
    stage.declare('ClusterImageSetMirror', 'all', { ...everything, mirrors });
    quotas.state('quay.io', { limit: 100, remaining: 29, resetAtMs: stageStartMs + 10_000 });
    await stage.lead();
    await stage.pass(9_000);
    expect(stage.twin.copied).toEqual([]);
    expect(stage.images(resource)).toMatchObject([{ copies: [{ state: 'Scheduled' }] }]);
    await stage.pass(2_000);
    expect(stage.images(resource)).toMatchObject([{ copies: [{ state: 'Available' }] }]);
  });

  test('that takes requests and never answers holds up no image of another', async () => {
    const stage = await begin({}, 'a', 'b', 'c', 'd');
    const letGo = stage.twin.hold('quay.io');
    await stage.pass(1_500);
    stage.twin.push('ghcr.io/team/other:1');
    stage.run('other', 'ghcr.io/team/other:1');
    await stage.pass(1_500);
    expect(stage.twin.images.has('mirror.example.com/m/team/other:1')).toBe(true);
    // Of the others no more than two wait at a time, and all of them are copied in the end.
    expect(stage.mirroring.running()).toHaveLength(2);
    letGo();
    await stage.pass(5_000);
    const states = stage.images(resource).flatMap(({ copies }) => copies.map(({ state }) => state));
    expect(states).toEqual(Array(5).fill('Available'));
  });

  test('that does not answer is replaced by what a set declares to be the same', async () => {
    const stage = await begin({}, 'a');
    stage.twin.fail('quay.io', { side: 'source', reason: 'unreachable' });
    stage.twin.push('ghcr.io/team/a:1', 'quay.io/team/a:1');
    stage.declare('ClusterReplicatedImageSet', 'same', {
      upstreams: [
        { registry: 'quay.io', path: '/team', imageFilter: { include: ['.+'] } },
        { registry: 'ghcr.io', path: '/team' },
      ],
    });
    await stage.pass(5_000);
    expect(stage.images(resource)).toMatchObject([{ copies: [{ state: 'Available' }] }]);
    expect(stage.twin.copied.at(-1)?.source.registry).toBe('ghcr.io');
  });

  test('is not replaced by an image that only kubelets can pull', async () => {
    const stage = await begin({}, 'a');
    stage.twin.fail('quay.io', { side: 'source', reason: 'unreachable' });
    stage.twin.push('node-only.example.com/team/a:1', 'quay.io/team/a:1');
    stage.declare('ClusterReplicatedImageSet', 'same', {
      upstreams: [
        { registry: 'quay.io', path: '/team', imageFilter: { include: ['.+'] } },
        { registry: 'node-only.example.com', path: '/team' },
      ],
    });
    await stage.pass(5_000);
    expect(stage.images(resource)).toMatchObject([{ copies: [{ state: 'BackingOff' }] }]);
    const asked = stage.twin.copied.map(({ source }) => source.registry);
    expect(new Set(asked)).toEqual(new Set(['quay.io']));
  });

  test('that wants to be left alone is not asked with that credential', async () => {
    const stage = await begin({}, 'a');
    const retryAtMs = stageStartMs + 30_000;
    stage.twin.fail('quay.io', { side: 'source', reason: 'throttled', retryAtMs });
    await stage.pass(5_000);
    const { length } = stage.twin.copied;
    expect(length).toBe(1);
    stage.twin.fail('quay.io');
    stage.run('b', 'quay.io/team/b:1');
    stage.twin.push('quay.io/team/b:1');
    await stage.pass(20_000);
    expect(stage.twin.copied).toHaveLength(length);
    await stage.pass(15_000);
    const copies = stage.images(resource).flatMap((image) => image.copies);
    expect(copies.map(({ state }) => state)).toEqual(['Available', 'Available']);
  });
});

describe('a tag that was copied', () => {
  test('and moves at its source is seen in the slots of its registry, and copied no more', async () => {
    const stage = await begin({}, 'a', 'b');
    await stage.pass(15_000, 500);
    const present = () =>
      stage.images(resource).map(({ presentSourceDigest }) => presentSourceDigest);
    const before = stage.images(resource).map(({ copies }) => copies[0]?.sourceDigest);
    expect(present()).toEqual(before);
    stage.twin.push('quay.io/team/a:1', 'another build');
    await stage.pass(10_000, 500);
    expect(present()).toEqual([digestOf('another build'), before[1]]);
    expect(stage.twin.copied).toHaveLength(2);
    expect(stage.images(resource)[0]?.copies[0]).toMatchObject({ state: 'Available' });
  });
});

describe('a term', () => {
  test('that ends aborts what is in flight; the next goes on from the statuses', async () => {
    const stage = await begin({}, 'a', 'b');
    await stage.pass(2_000);
    const letGo = stage.twin.hold();
    stage.twin.push('quay.io/team/c:1');
    stage.run('c', 'quay.io/team/c:1');
    await stage.pass(200);
    stage.system.follow();
    await stage.pass(200);
    expect(stage.mirroring.running()).toEqual([]);
    expect(stage.images(resource)).toEqual([]);
    letGo();
    await stage.pass(200);
    expect(stage.twin.images.has('mirror.example.com/m/team/c:1')).toBe(false);
    await stage.lead();
    await stage.pass(3_000);
    const images = stage.images(resource);
    expect(images.flatMap(({ copies }) => copies.map(({ state }) => state))).toEqual(
      Array(3).fill('Available'),
    );
    // What was there before is asked for, not copied again.
    expect(stage.twin.looked).toHaveLength(2);
    expect(stage.twin.copied).toHaveLength(4);
    expect(images.some(({ copies }) => copies.some(({ adopted }) => adopted))).toBe(false);
    expect(stage.bugs()).toEqual([]);
  });

  test('takes over what kuik v2 wrote: what is there is asked for, and not copied again', async () => {
    const stage = startMirroring();
    const image = 'quay.io/team/a:1';
    const copy = 'mirror.example.com/m/team/a:1';
    stage.twin.push(image);
    stage.twin.push(copy, image);
    stage.run('a', image);
    const mirroredAt = '2025-12-01T00:00:00Z';
    const status = {
      matchingImages: [{ image, mirrors: [{ image: copy, mirroredAt }] }],
    };
    stage.declare('ClusterImageSetMirror', 'all', { ...everything, mirrors }, { status });
    await stage.lead();
    await stage.pass(3_000);
    expect(stage.twin.copied).toEqual([]);
    expect(stage.twin.looked).toEqual([copy]);
    expect(stage.images(resource)).toMatchObject([{ copies: [{ state: 'Available' }] }]);
  });
});

describe('credentials', () => {
  test("are the Pods' pull secrets at the source, the entry's own Secret at the mirror", async () => {
    const stage = startMirroring();
    stage.secrets.set('apps/pull', secret('apps', 'pull', { 'quay.io': 'read' }));
    stage.secrets.set('ops/push', secret('ops', 'push', { 'mirror.example.com': 'write' }));
    stage.twin.push('quay.io/team/a:1');
    stage.run('a', 'quay.io/team/a:1', { pullSecrets: ['pull'] });
    stage.declare('ClusterImageSetMirror', 'all', {
      ...everything,
      mirrors: [{ ...mirrors[0], credentialSecret: { namespace: 'ops', name: 'push' } }],
    });
    await stage.lead();
    await stage.pass(500);
    const [asked] = stage.twin.copied;
    expect(asked?.sourceCredentials.map(({ password }) => password)).toEqual(['read']);
    expect(asked?.targetCredentials.map(({ password }) => password)).toEqual(['write']);
  });

  test('that change have what was refused tried again, as do Pods; time alone takes an hour', async () => {
    const stage = await begin({}, 'a');
    stage.twin.fail('mirror.example.com', { side: 'target', reason: 'repository-missing' });
    await stage.pass(2_000);
    const tried = () => stage.twin.copied.length;
    expect(stage.images(resource)).toMatchObject([{ copies: [{ state: 'Failed' }] }]);
    await stage.pass(600_000, 20_000);
    expect(tried()).toBe(1);
    stage.changeSecrets();
    await stage.pass(1_000);
    expect(tried()).toBe(2);
    await stage.pass(60_000, 1_000);
    stage.run('again', 'quay.io/team/a:1');
    await stage.pass(1_000);
    expect(tried()).toBe(3);
    // Pods of one rollout are no reason to ask a registry with each of them.
    for (let pods = 0; pods < 50; pods += 1) {
      stage.run(`again-${pods}`, 'quay.io/team/a:1');
      await stage.pass(100);
    }
    expect(tried()).toBeLessThan(6);
    stage.twin.fail('mirror.example.com');
    stage.end('again');
    await stage.pass(61_000, 1_000);
    expect(stage.images(resource)).toMatchObject([{ copies: [{ state: 'Available' }] }]);
  });

  test('that are missing make the copy Failed, which says so and heals when they are there', async () => {
    const stage = startMirroring();
    stage.twin.push('quay.io/team/a:1');
    stage.run('a', 'quay.io/team/a:1', { namespace: 'team' });
    stage.declare('ImageSetMirror', 'team/own', {
      ...everything,
      mirrors: [{ ...mirrors[0], credentialSecret: { name: 'push' } }],
    });
    await stage.lead();
    await stage.pass(1_000);
    const own = 'ImageSetMirror/team/own';
    expect(stage.images(own)).toMatchObject([
      {
        copies: [{ state: 'Failed', lastError: expect.stringContaining('team/push is missing') }],
      },
    ]);
    expect(stage.twin.copied).toEqual([]);
    stage.secrets.set('team/push', secret('team', 'push', { 'mirror.example.com': 'write' }));
    stage.changeSecrets();
    await stage.pass(1_000);
    expect(stage.images(own)).toMatchObject([{ copies: [{ state: 'Available' }] }]);
  });

  test('of one resource are never used for another: each copies with its own', async () => {
    const stage = startMirroring();
    stage.secrets.set('a/push', secret('a', 'push', { 'mirror.example.com': 'of a' }));
    stage.secrets.set('a/pull', secret('a', 'pull', { 'quay.io': 'of a' }));
    stage.secrets.set('b/push', secret('b', 'push', { 'mirror.example.com': 'of b' }));
    stage.twin.push('quay.io/team/private:1');
    for (const namespace of ['a', 'b']) {
      const pullSecrets = namespace === 'a' ? ['pull'] : [];
      stage.run('pod', 'quay.io/team/private:1', { namespace, pullSecrets });
      stage.declare('ImageSetMirror', `${namespace}/own`, {
        ...everything,
        mirrors: [{ registry: 'mirror.example.com', credentialSecret: { name: 'push' } }],
      });
    }
    await stage.lead();
    await stage.pass(2_000);
    for (const { sourceCredentials, targetCredentials } of stage.twin.copied) {
      const namespaces = [...sourceCredentials, ...targetCredentials].map(({ source }) => source);
      expect(new Set(namespaces.map((source) => source.split('/')[0])).size).toBe(1);
    }
  });
});
