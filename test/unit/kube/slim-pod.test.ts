import { describe, expect, test } from 'vitest';
import { createInterner } from '#kube/intern.ts';
import { slimNode } from '#kube/slim-node.ts';
import { type SlimPod, slimPod } from '#kube/slim-pod.ts';
import { slimResource } from '#kube/slim-resource.ts';
import { createStore } from '#kube/store.ts';
import { ordinaryPod } from '#test/support/api-server/many-pods.ts';
import { collectGarbage } from '#test/support/processes/garbage.ts';

const images = 2_000;

/** Live bytes of the heap. */
function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** As the API server sends it: every text a copy of its own. */
function received(index: number, annotations: Readonly<Record<string, string>> = {}): unknown {
  const pod = ordinaryPod({ images }, index) as { metadata: { annotations: object } };
  const uid = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;
  const metadata = {
    ...pod.metadata,
    ...{ uid, namespace: `team-${index % 25}` },
    annotations: { ...pod.metadata.annotations, ...annotations },
  };
  return JSON.parse(JSON.stringify({ ...pod, metadata }));
}

/** What one of many costs in a store. */
function bytesOfOne(pods: number, receive: (index: number) => unknown): number {
  const interner = createInterner();
  const store = createStore<SlimPod>();
  const before = heapBytes();
  for (let index = 0; index < pods; index += 1) {
    store.put(`pods/app-${index}`, slimPod(receive(index), interner));
  }
  const bytes = heapBytes() - before;
  expect(store.size()).toBe(pods);
  return bytes / pods;
}

describe('a slim Pod', () => {
  test('costs less than a kilobyte, all that is kept of it counted', () => {
    expect(bytesOfOne(10_000, (index) => received(index))).toBeLessThan(1_024);
  });

  test('lets go of long annotations, whose beginning is all that is kept', () => {
    const long = (index: number) => received(index, { network: `${index}`.repeat(2_000) });
    // Each text is 8 KB, and as no two are the same, none of it is shared.
    expect(bytesOfOne(1_000, long)).toBeLessThan(4_096);
  });

  test('keeps what selectors, routing and events look at, and no more', () => {
    const slim = slimPod(
      {
        metadata: {
          name: 'app',
          creationTimestamp: '2026-01-01T00:00:00Z',
          namespace: 'team',
          uid: 'u',
          labels: { app: 'x' },
          annotations: {
            long: 'y'.repeat(100),
            'kuik.enix.io/original-images': JSON.stringify({ app: 'z'.repeat(100) }),
            'kubectl.kubernetes.io/last-applied-configuration': '{}',
          },
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Other', name: 'other', uid: 'o' },
            { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'r', controller: true },
          ],
        },
        spec: {
          containers: [{ name: 'app', image: 'a:1', env: [{ name: 'SECRET', value: 's' }] }],
          initContainers: [{ name: 'migrate', image: 'b:1' }],
          ephemeralContainers: [{ name: 'debug', image: 'c:1' }],
          volumes: [{ name: 'models', image: { reference: 'd:1' } }, { name: 'empty' }],
          imagePullSecrets: [{ name: 'pull' }],
        },
        status: { phase: 'Running' },
      },
      createInterner(),
    );
    expect(slim).toEqual({
      uid: 'u',
      namespace: 'team',
      name: 'app',
      labels: { app: 'x' },
      annotations: {
        long: 'y'.repeat(64),
        'kuik.enix.io/original-images': JSON.stringify({ app: 'z'.repeat(100) }),
      },
      images: { app: 'a:1', 'init:migrate': 'b:1', debug: 'c:1', 'volume:models': 'd:1' },
      pullSecrets: ['pull'],
      phase: 'Running',
      createdMs: Date.parse('2026-01-01T00:00:00Z'),
      owner: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs' },
    });
  });

  test('is made of a Pod that says nothing at all', () => {
    expect(slimPod({}, createInterner())).toMatchObject({ name: '', images: {}, pullSecrets: [] });
  });

  test('is small whatever labels, annotations, owners and Secrets its Pod has', () => {
    const many = (count: number, prefix: string) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}-${index}`, 'v']));
    const receive = (index: number) => {
      const pod = received(index) as {
        metadata: { labels: object; annotations: object; ownerReferences?: object[] };
        spec: { imagePullSecrets?: object[] };
      };
      pod.metadata.labels = many(2_000, `label-${index}`);
      pod.metadata.annotations = {
        ...many(2_000, `annotation-${index}`),
        'kuik.enix.io/original-images': JSON.stringify(many(2_000, `container-${index}`)),
        'kuik.enix.io/whatever': `${index}`.repeat(20_000),
      };
      const kind = `${index}`.repeat(20_000);
      pod.metadata.ownerReferences = [{ apiVersion: 'v1', kind, name: kind, controller: true }];
      pod.spec.imagePullSecrets = Array.from({ length: 5 }, (_, n) => ({
        name: `${n}`.repeat(20_000),
      }));
      return pod;
    };
    // Of 200 KB each.
    expect(bytesOfOne(50, receive)).toBeLessThan(64_000);
  });

  test('keeps of long annotations of our own what they say of its containers', () => {
    const originals = { app: 'docker.io/library/app:1', gone: 'x'.repeat(3_000) };
    const reasons = JSON.stringify({ app: 'x'.repeat(5_000) });
    const annotations = {
      'kuik.enix.io/original-images': JSON.stringify(originals),
      'kuik.enix.io/reason': reasons,
    };
    const spec = { containers: [{ name: 'app', image: 'quay.io/app:1' }] };
    const slim = slimPod({ metadata: { annotations }, spec }, createInterner());
    expect(slim.annotations).toEqual({
      'kuik.enix.io/original-images': JSON.stringify({ app: originals.app }),
      'kuik.enix.io/reason': '{}',
    });
  });

  test('keeps more labels and annotations than anybody has, and their beginning where it is a flood', () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`key-${index}`, 'value']));
    const slim = (count: number) =>
      slimPod({ metadata: { labels: many(count), annotations: many(count) } }, createInterner());
    expect(slim(200).labels).toEqual(many(200));
    expect(slim(200).annotations).toEqual(many(200));
    const flood = many(80_000);
    const startedMs = performance.now();
    const kept = slimPod({ metadata: { labels: flood, annotations: flood } }, createInterner());
    expect(performance.now() - startedMs).toBeLessThan(100);
    expect(Object.keys(kept.labels).length).toBeLessThan(300);
    expect(kept.labels['key-0']).toBe('value');
  });

  test('says which of its containers wait for their images', () => {
    const waiting = (name: string, reason: string) => ({ name, state: { waiting: { reason } } });
    const status = {
      containerStatuses: [
        waiting('app', 'ImagePullBackOff'),
        waiting('slow', 'ContainerCreating'),
        { name: 'fine', state: { running: {} } },
      ],
      initContainerStatuses: [waiting('migrate', 'ErrImagePull')],
      ephemeralContainerStatuses: [waiting('debug', 'ErrImagePull')],
    };
    const slim = slimPod({ status }, createInterner());
    expect(slim.waiting).toEqual(['app', 'init:migrate', 'debug']);
    expect(slimPod({ status: { phase: 'Running' } }, createInterner())).not.toHaveProperty(
      'waiting',
    );
  });

  test('keeps the annotations of our own, however many others there are', () => {
    const others = Array.from({ length: 1_000 }, (_, index) => [`a-${index}`, 'v']);
    const annotations = { ...Object.fromEntries(others), 'kuik.enix.io/reason': '{"app":"x"}' };
    const slim = slimPod({ metadata: { annotations } }, createInterner());
    expect(slim.annotations['kuik.enix.io/reason']).toBe('{"app":"x"}');
    expect(slim.annotations['a-0']).toBe('v');
  });

  test('keeps all images that a node could run, and nothing that is too long for one', () => {
    const containers = Array.from({ length: 3_000 }, (_, n) => ({
      name: `c${n}`,
      image: `i:${n}`,
    }));
    const tooLong = { name: 'long', image: 'x'.repeat(5_000) };
    const slim = slimPod({ spec: { containers: [tooLong, ...containers] } }, createInterner());
    expect(Object.keys(slim.images)).toHaveLength(1_000);
    expect(slim.images['long']).toBeUndefined();
  });
});

test('a slim resource has its spec, its status, and of its metadata what is read', () => {
  const metadata = { name: 'equal', uid: 'u', generation: 3, finalizers: ['kuik.enix.io/copies'] };
  const slim = slimResource('ClusterReplicatedImageSet', {
    metadata: {
      ...metadata,
      annotations: { long: 'x'.repeat(200_000) },
      managedFields: [{ manager: 'kubectl' }],
    } as never,
    spec: { upstreams: [] },
    status: { conditions: [] },
  });
  expect(slim).toEqual({
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterReplicatedImageSet',
    metadata,
    spec: { upstreams: [] },
    status: { conditions: [] },
  });
});

test.each<[string, object, string]>([
  ['its label', { metadata: { labels: { 'kubernetes.io/arch': 'arm64' } } }, 'arm64'],
  ['what its kubelet says', { status: { nodeInfo: { architecture: 'amd64' } } }, 'amd64'],
  ['nothing, while it says nothing', {}, ''],
])('of a node its architecture is kept: %s', (_, node, architecture) => {
  expect(slimNode(node, createInterner())).toEqual({ architecture });
});
