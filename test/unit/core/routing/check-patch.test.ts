import { describe, expect, test } from 'vitest';
import type { PodObject } from '#core/pod.ts';
import { ANNOTATION_BYTES_MAX, checkPatch } from '#core/routing/check-patch.ts';
import { container, podOf } from '#test/support/routing/pods.ts';

const image = 'quay.io/team/app:1';
const original = '/metadata/annotations/kuik.enix.io~1original-images';
const pod = podOf(image, {
  metadata: { annotations: { mine: 'x' } },
  spec: {
    containers: [container('app', image)],
    imagePullSecrets: [{ name: 'own' }],
    volumes: [{ name: 'data' }, { name: 'models', image: { reference: image } }],
  },
});

const replaceImage = (value: unknown, path = '/spec/containers/0/image') => [
  { op: 'replace', path, value },
];

const problem = (patch: unknown, given: PodObject = pod) => {
  const checked = checkPatch(given, patch);
  return checked.ok ? undefined : checked.error;
};

describe('a patch may leave', () => {
  test.each<[string, unknown]>([
    ['that does nothing', []],
    ['that changes an image', replaceImage('ghcr.io/team/app:1')],
    ['that changes an image volume', replaceImage(image, '/spec/volumes/1/image/reference')],
    ['that adds an annotation of ours', [{ op: 'add', path: original, value: '{}' }]],
    [
      'that adds a pull secret behind those there',
      [{ op: 'add', path: '/spec/imagePullSecrets', value: [{ name: 'own' }, { name: 'kuik-a' }] }],
    ],
  ])('%s', (_, patch) => {
    expect(problem(patch)).toBeUndefined();
  });
});

describe('a patch is dropped', () => {
  test.each<[string, unknown, string]>([
    ['is none', { op: 'replace' }, 'expected a list'],
    ['is null', null, 'expected a list'],
    ['has an operation that is none', [null], 'to be an object'],
    ['has an operation without a path', [{ op: 'add', value: 1 }], 'expected a path'],
    ['touches what is not ours', replaceImage('x', '/spec/nodeName'), 'kuik may touch'],
    ['touches a command', replaceImage('x', '/spec/containers/0/command'), 'kuik may touch'],
    ['touches another’s annotation', replaceImage('x', '/metadata/annotations/mine'), 'may touch'],
    ['removes', [{ op: 'remove', path: '/spec/containers/0/image' }], 'the operation replace'],
    ['writes an image that is none', replaceImage('Not An Image'), 'a lower-case repository path'],
    ['writes no text as an image', replaceImage(1), 'expected an image as text'],
    [
      'replaces an image that is not there',
      replaceImage(image, '/spec/containers/1/image'),
      'index',
    ],
    [
      'gives a plain volume an image',
      replaceImage(image, '/spec/volumes/0/image/reference'),
      'image',
    ],
    ['writes an annotation that is no text', [{ op: 'add', path: original, value: {} }], 'text'],
    [
      'takes all annotations away',
      [{ op: 'add', path: '/metadata/annotations', value: {} }],
      'one annotation at a time',
    ],
    [
      'takes a pull secret away',
      [{ op: 'add', path: '/spec/imagePullSecrets', value: [{ name: 'a' }] }],
      'that the Pod names to stay',
    ],
    [
      'names a pull secret twice',
      [{ op: 'add', path: '/spec/imagePullSecrets', value: [{ name: 'own' }, { name: 'own' }] }],
      'each new pull secret once',
    ],
    [
      'names a pull secret that cannot be one',
      [{ op: 'add', path: '/spec/imagePullSecrets', value: [{ name: 'own' }, { name: 'A b' }] }],
      'the name of a Secret',
    ],
    [
      'is longer than any Pod',
      Array.from({ length: 10_001 }, () => replaceImage(image)[0]),
      'at most 10000',
    ],
  ])('that %s', (_, patch, message) => {
    expect(problem(patch)?.message).toContain(message);
  });

  test('whose parent is not there', () => {
    const bare: PodObject = { metadata: {}, spec: {} };
    const add = [{ op: 'add', path: original, value: '{}' }];
    expect(problem(add, bare)).toMatchObject({ path: original });
    const noMetadata = [{ op: 'add', path: '/metadata/annotations', value: {} }];
    expect(problem(noMetadata, { spec: {} })).toMatchObject({ path: '/metadata/annotations' });
  });

  test('that starts with others’ annotations on a Pod without any', () => {
    const whole = (value: unknown) => [{ op: 'add', path: '/metadata/annotations', value }];
    const bare = podOf(image);
    expect(problem(whole({ 'kuik.enix.io/reason': '{}' }), bare)).toBeUndefined();
    expect(problem(whole({ other: 'x' }), bare)).toMatchObject({ path: '/metadata/annotations' });
    expect(problem(whole({ 'kuik.enix.io/reason': 1 }), bare)).toBeDefined();
  });

  test('whose Pod is none', () => {
    expect(problem([], null as unknown as PodObject)?.message).toContain('expected a Pod');
  });
});

describe('annotations above what the API server stores', () => {
  const full = (bytes: number) =>
    podOf(image, { metadata: { annotations: { m: 'x'.repeat(bytes) } } });
  const annotate = [{ op: 'add', path: original, value: '{}' }];
  /** Name and value of what the patch adds, and the name of what is there. */
  const added = 'kuik.enix.io/original-images'.length + 2 + 1;

  test('are counted in bytes, names too', () => {
    expect(problem(annotate, full(ANNOTATION_BYTES_MAX - added))).toBeUndefined();
    expect(problem(annotate, full(ANNOTATION_BYTES_MAX - added + 1))).toMatchObject({
      path: '/metadata/annotations',
    });
    const wide = podOf(image, {
      metadata: { annotations: { m: 'é'.repeat((ANNOTATION_BYTES_MAX - added) / 2 + 1) } },
    });
    expect(problem(annotate, wide)).toBeDefined();
  });

  test('are not ours to judge when the patch adds none', () => {
    expect(problem(replaceImage(image), full(ANNOTATION_BYTES_MAX + 1))).toBeUndefined();
  });
});
