import { describe, expect, test } from 'vitest';
import type { PodObject } from '#core/pod.ts';
import { imagesOf } from '#core/pod-images.ts';
import { admissionOf, container, podOf } from '#test/support/routing/pods.ts';

const keysOf = (pod: PodObject) => imagesOf(admissionOf(pod)).map(({ key }) => key);

describe('the images of a Pod', () => {
  test('are those of its init containers, sidecars included, its containers and image volumes', () => {
    const sidecar = { ...container('proxy', 'proxy:1', 'Always'), restartPolicy: 'Always' };
    const pod = podOf('app:1', {
      spec: {
        initContainers: [container('migrate', 'migrate:1'), sidecar],
        containers: [container('app', 'app:1', 'Never'), container('tool', 'tool:1')],
        volumes: [
          { name: 'data' },
          { name: 'models', image: { reference: 'models:1', pullPolicy: 'Always' } },
        ],
      },
    });
    expect(imagesOf(admissionOf(pod))).toEqual(
      [
        ['init:migrate', 'migrate:1', 'IfNotPresent', '/spec/initContainers/0/image'],
        ['init:proxy', 'proxy:1', 'Always', '/spec/initContainers/1/image'],
        ['app', 'app:1', 'Never', '/spec/containers/0/image'],
        ['tool', 'tool:1', 'IfNotPresent', '/spec/containers/1/image'],
        ['volume:models', 'models:1', 'Always', '/spec/volumes/1/image/reference'],
      ].map(([key, image, policy, path]) => expect.objectContaining({ key, image, policy, path })),
    );
  });

  test('are not those of its ephemeral containers while it is created', () => {
    const ephemeralContainers = [container('shell', 'shell:1')];
    expect(
      keysOf(
        podOf('app:1', { spec: { containers: [container('app', 'a:1')], ephemeralContainers } }),
      ),
    ).toEqual(['app']);
  });

  test('are only the new ephemeral containers when those are added to', () => {
    const old = podOf('app:1', {
      spec: { ephemeralContainers: [container('first', 'shell:1')] },
    });
    const pod = podOf('app:1', {
      spec: {
        ephemeralContainers: [container('first', 'shell:1'), container('second', 'shell:2')],
      },
    });
    const subresource = 'ephemeralcontainers';
    expect(imagesOf(admissionOf(pod, { oldPod: old, subresource }))).toMatchObject([
      { key: 'ephemeral:second', image: 'shell:2', path: '/spec/ephemeralContainers/1/image' },
    ]);
    expect(imagesOf(admissionOf(pod, { subresource })).map(({ key }) => key)).toEqual([
      'ephemeral:first',
      'ephemeral:second',
    ]);
  });

  test.each<[string, unknown]>([
    ['no spec', {}],
    ['no list', { spec: { containers: 'app', volumes: null } }],
    ['no containers in its lists', { spec: { containers: [null, 1, 'app', {}] } }],
    ['a container without a name', { spec: { containers: [{ image: 'app:1' }] } }],
    ['a container without an image', { spec: { containers: [{ name: 'app' }] } }],
    [
      'an empty image, for a controller to fill in',
      { spec: { containers: [{ name: 'a', image: '' }] } },
    ],
    ['an image that is no text', { spec: { containers: [{ name: 'a', image: 1 }] } }],
    ['a volume without a reference', { spec: { volumes: [{ name: 'v', image: {} }] } }],
    ['a volume whose image is null', { spec: { volumes: [{ name: 'v', image: null }] } }],
  ])('are none where there is %s', (_, pod) => {
    expect(keysOf(pod as PodObject)).toEqual([]);
  });

  test('keep their places beside an item that is no container', () => {
    const pod = { spec: { containers: [null, container('app', 'app:1')] } } as unknown as PodObject;
    expect(imagesOf(admissionOf(pod))[0]?.path).toBe('/spec/containers/1/image');
  });

  test('whose pull policy is none count as pulled when absent', () => {
    const pod = podOf('app:1', { policy: 'Sometimes' as never });
    expect(imagesOf(admissionOf(pod))[0]?.policy).toBe('IfNotPresent');
  });
});
