import { describe, expect, test } from 'vitest';
import type { KuikResource } from '#api/kinds.ts';
import { missMessage } from '#core/ready-message.ts';
import { type CountedPod, ImageCounter } from '#core/routing/image-counts.ts';
import { compileTable } from '#core/routing/table.ts';
import { finishInTurns } from '#telemetry/in-turns.ts';
import { clusterMirror, clusterSet, namespacedSet } from '#test/support/routing/resources.ts';
import { longestTurn } from '#test/support/time/longest-turn.ts';

/** A running Pod of `shop`, with whatever else is given. */
function pod(image: string, given: Partial<CountedPod> = {}): CountedPod {
  return {
    ...{ namespace: 'shop', labels: {}, annotations: {}, images: { app: image }, phase: 'Running' },
    ...given,
  };
}

const policy = { skipLabels: ['skip'], skipAnnotations: [] };
const listedOf = () => [];

async function countOne(
  resource: KuikResource,
  pods: readonly CountedPod[],
  { counter = new ImageCounter(), listed = [] as readonly string[] } = {},
) {
  const table = compileTable([resource]);
  const counting = counter.count({ table, pods, policy, listedOf: () => listed });
  const [count] = (await finishInTurns(counting)).values();
  return count;
}

function set(name: string, imageFilter: object, more = {}) {
  const upstreams = [{ registry: 'docker.io', imageFilter }, { registry: 'quay.io' }];
  return clusterSet(name, { upstreams, ...more });
}

const nginx = set('nginx', { include: ['/library/nginx:.+'] });
const cisa = (spec: object): KuikResource => ({
  apiVersion: 'kuik.enix.io/v1alpha1',
  kind: 'ClusterImageSetAvailability',
  metadata: { name: 'all', uid: 'all' },
  spec,
});

describe('how many images a resource takes care of', () => {
  test('each original once, of Pods that have not finished and are not left alone', async () => {
    const pods = [
      pod('nginx:1'),
      pod('docker.io/library/nginx:1', { namespace: 'other' }),
      pod('nginx:2', { phase: 'Pending' }),
      pod('nginx:3', { phase: 'Succeeded' }),
      pod('nginx:4', { phase: 'Failed' }),
      pod('nginx:5', { labels: { skip: 'yes' } }),
      pod('redis:7'),
    ];
    expect(await countOne(nginx, pods)).toEqual({ used: 2, unused: 0 });
  });

  test('the original of a rewritten container, not what it was rewritten to', async () => {
    const annotations = { 'kuik.enix.io/original-images': '{"app":"nginx:1"}' };
    const pods = [pod('quay.io/library/nginx:1', { annotations })];
    expect(await countOne(nginx, pods)).toEqual({ used: 1, unused: 0 });
    const quay = clusterSet('quay', {
      upstreams: [
        { registry: 'quay.io', imageFilter: { include: ['.+'] } },
        { registry: 'docker.io' },
      ],
    });
    expect(await countOne(quay, pods)).toMatchObject({ used: 0 });
  });

  test('only of Pods that its filters choose, and of a namespaced one only its own', async () => {
    const pods = [pod('nginx:1', { labels: { tier: 'front' } }), pod('nginx:2')];
    const front = set(
      'front',
      { include: ['/library/nginx:.+'] },
      { podFilter: { labels: { include: ['tier=front'] } } },
    );
    expect(await countOne(front, pods)).toMatchObject({ used: 1 });
    const elsewhere = namespacedSet('other/nginx', nginx.spec ?? {});
    expect(await countOne(elsewhere, pods)).toEqual({ used: 0, unused: 0 });
  });

  test('of a mirror resource the images count too that only its status lists', async () => {
    const mirror = clusterMirror('all', {
      imageFilter: { include: ['.+/nginx:.+'] },
      mirrors: [{ registry: 'mirror.example.com' }],
    });
    const listed = ['docker.io/library/nginx:1', 'docker.io/library/nginx:0'];
    expect(await countOne(mirror, [pod('nginx:1')], { listed })).toEqual({ used: 1, unused: 1 });
  });

  test('one that is left out takes care of none', async () => {
    const broken = cisa({ imageFilter: { include: ['a)|(b'] } });
    expect(await countOne(broken, [pod('nginx:1')])).toEqual({ used: 0, unused: 0 });
  });

  test('what comes and goes is counted as it is, with all that was asked before', async () => {
    const counter = new ImageCounter();
    for (const pods of [[pod('nginx:1')], [], [pod('nginx:1'), pod('nginx:2')], [pod('nginx:2')]]) {
      expect(await countOne(nginx, pods, { counter })).toMatchObject({ used: pods.length });
    }
    // More than it keeps of what nobody uses any more.
    const many = Array.from({ length: 3_000 }, (_, index) => pod(`nginx:${index}`));
    expect(await countOne(nginx, many, { counter })).toMatchObject({ used: 3_000 });
    expect(await countOne(nginx, [pod('nginx:9')], { counter })).toMatchObject({ used: 1 });
    expect(await countOne(nginx, [pod('nginx:7')], { counter })).toMatchObject({ used: 1 });
  });
});

describe('the nearest miss', () => {
  const missed = async (resource: KuikResource, ...pods: readonly CountedPod[]) =>
    missMessage(resource, await countOne(resource, pods));

  test.each([
    ['imageFilter', cisa({ imageFilter: { include: ['nginx:.+'] } })],
    ['filter', cisa({ filter: { include: [{ image: 'nginx:.+' }] } })],
    [
      'path',
      clusterSet('beside', {
        upstreams: [
          { registry: 'docker.io', path: '/nginx', imageFilter: { include: ['/nginx:.+'] } },
          { registry: 'quay.io', path: '/nginx' },
        ],
      }),
    ],
    [
      'namespaceFilter',
      cisa({ imageFilter: { include: ['.+'] }, namespaceFilter: { include: ['prod'] } }),
    ],
    [
      'podFilter',
      cisa({ imageFilter: { include: ['.+'] }, podFilter: { labels: { include: ['tier'] } } }),
    ],
  ])('names the image and %s', async (field, resource) => {
    const message = await missed(resource, pod('nginx:1.27'), pod('zzz.example.com/nginx:1'));
    expect(message).toMatch(`left out by ${field}: docker.io/library/nginx:1.27 `);
  });

  test('of equals it is the first by name, in whatever order Pods come', async () => {
    const resource = cisa({ imageFilter: { include: ['nginx:.+'] } });
    const [first, second] = [pod('nginx:1.26'), pod('nginx:1.27')];
    const message = await missed(resource, second, first);
    expect(message).toMatch('docker.io/library/nginx:1.26 ');
    expect(await missed(resource, first, second)).toBe(message);
  });

  test('an image of another namespace is no miss of a namespaced resource', async () => {
    const elsewhere = namespacedSet('other/nginx', {
      upstreams: [
        { registry: 'docker.io', imageFilter: { include: ['nginx:.+'] } },
        { registry: 'quay.io' },
      ],
    });
    const none = 'Matches no image of the Pods that have not finished.';
    expect(await missed(elsewhere, pod('nginx:1'))).toBe(none);
    const there = pod('nginx:1', { namespace: 'other' });
    expect(await missed(elsewhere, there)).toMatch('left out by imageFilter');
  });

  test('an image that is not used any more is near no longer', async () => {
    const counter = new ImageCounter();
    const resource = cisa({ imageFilter: { include: ['nginx:.+'] } });
    expect(await countOne(resource, [pod('nginx:1')], { counter })).toHaveProperty('nearest');
    expect(await countOne(resource, [], { counter })).toEqual({ used: 0, unused: 0 });
  });

  test('who matches an image, or was not counted, or still watches unused ones says nothing', async () => {
    expect(await missed(nginx, pod('nginx:1'))).toBeUndefined();
    expect(missMessage(nginx, undefined)).toBeUndefined();
    const watching = { ...cisa({ imageFilter: { include: ['.+'] } }), status: { imageCount: 1 } };
    expect(await missed(watching as KuikResource)).toBeUndefined();
  });
});

test('thousands of Pods and a hundred resources hold the event loop for a few milliseconds at most', async () => {
  const pods = Array.from({ length: 5_000 }, (_, index) =>
    pod(`app-${index % 1_000}:v${index % 2}`, { namespace: `team-${index % 25}` }),
  );
  const resources = Array.from({ length: 100 }, (_, index) =>
    set(`set-${index}`, { include: [index % 2 === 0 ? `/library/app-${index}:.+` : 'app-7.:.+'] }),
  );
  const table = compileTable(resources);
  const counter = new ImageCounter();
  const count = () => finishInTurns(counter.count({ table, pods, policy, listedOf }));
  const { longestMs, result } = await longestTurn(count);
  expect(longestMs).toBeLessThan(50);
  expect(result.get('ClusterReplicatedImageSet/set-0')?.used).toBe(1);
  expect(result.get('ClusterReplicatedImageSet/set-1')?.nearest?.field).toBe('imageFilter');
});

test('a mirror takes care of no image that only kubelets can pull, and says so where it has no other', async () => {
  const everything = clusterMirror('all', { imageFilter: { include: ['.+'] } });
  const isNodeOnly = ({ registry }: { readonly registry: string }) =>
    registry === 'nodes.example.com';
  const count = async (...images: readonly string[]) => {
    const table = compileTable([everything]);
    const pods = images.map((image) => pod(image));
    const counting = new ImageCounter().count({ table, pods, policy, listedOf, isNodeOnly });
    const [counted] = (await finishInTurns(counting)).values();
    return counted;
  };
  expect(await count('nginx:1', 'nodes.example.com/app:1')).toEqual({
    ...{ used: 1, unused: 0, nodeOnly: 1 },
  });
  const only = await count('nodes.example.com/app:1');
  expect(only).toEqual({ used: 0, unused: 0, nodeOnly: 1 });
  expect(missMessage(everything, only)).toBe(
    'Matches 1 image, which only kubelets can pull (monitoring.nodeOnly): nothing is copied.',
  );
});
