import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { createInterner } from '#kube/intern.ts';
import { type SlimPod, slimPod } from '#kube/slim-pod.ts';
import { createStore } from '#kube/store.ts';
import { ordinaryPod } from '#test/support/api-server/many-pods.ts';

const images = 2_000;

/** Live bytes of the heap. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
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
});
