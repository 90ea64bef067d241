import { describe, expect, test } from 'vitest';
import type { PodAdmission, PodObject } from '#core/pod.ts';
import { checkAdmissionPatch } from '#http/admission-patch.ts';
import { podOf } from '#test/support/operator/reviews.ts';

const image = '/spec/containers/0/image';
const annotation = '/metadata/annotations/kuik.enix.io~1reason';

function admissionOf(pod: object = podOf(), over: Partial<PodAdmission> = {}): PodAdmission {
  return {
    ...{ pod: pod as PodObject, namespace: 'apps', subresource: '', dryRun: false, uid: 'u' },
    ...over,
  };
}

const replace = (path: string, value: unknown) => ({ op: 'replace', path, value });
const add = (path: string, value: unknown) => ({ op: 'add', path, value });
const good = replace(image, 'ghcr.io/team/app:1');

describe('a patch that may leave', () => {
  const cases: readonly [string, object, readonly object[]][] = [
    ['another image', podOf(), [good]],
    [
      'the image of an init container',
      podOf('a:1', {}, { initContainers: [{ name: 'i', image: 'b:1' }] }),
      [replace('/spec/initContainers/0/image', 'ghcr.io/b:1')],
    ],
    [
      'the image of a volume',
      podOf('a:1', {}, { volumes: [{ name: 'v', image: { reference: 'b:1' } }] }),
      [replace('/spec/volumes/0/image/reference', 'ghcr.io/b:1')],
    ],
    [
      'the first annotations',
      podOf(),
      [good, add('/metadata/annotations', { 'kuik.enix.io/reason': '{}' })],
    ],
    ['one more annotation', podOf('a:1', { annotations: { own: 'x' } }), [add(annotation, '{}')]],
    ['the first pull secret', podOf(), [add('/spec/imagePullSecrets', [{ name: 'kuik-a' }])]],
    [
      'a pull secret behind those that the Pod names',
      podOf('a:1', {}, { imagePullSecrets: [{ name: 'own' }] }),
      [add('/spec/imagePullSecrets', [{ name: 'own' }, { name: 'kuik-a' }])],
    ],
  ];

  test.each(cases)('has %s', (_, pod, patch) => {
    expect(checkAdmissionPatch(admissionOf(pod), patch)).toEqual({
      ok: true,
      value: JSON.stringify(patch),
    });
  });

  test('is none at all where there is nothing to change', () => {
    expect(checkAdmissionPatch(admissionOf(), [])).toEqual({ ok: true, value: undefined });
  });

  test('changes nothing but ephemeral containers on their UPDATE', () => {
    const pod = podOf('a:1', {}, { ephemeralContainers: [{ name: 'shell', image: 'b:1' }] });
    const admission = admissionOf(pod, { subresource: 'ephemeralcontainers' });
    const own = replace('/spec/ephemeralContainers/0/image', 'ghcr.io/b:1');
    expect(checkAdmissionPatch(admission, [own])).toMatchObject({ ok: true });
    for (const other of [good, add(annotation, '{}'), null, {}]) {
      expect(checkAdmissionPatch(admission, [own, other])).toMatchObject({
        ok: false,
        error: expect.stringContaining('nothing but images of ephemeral containers'),
      });
    }
  });
});

const annotated = podOf('a:1', { annotations: { own: 'x' } });
const secretive = podOf('a:1', {}, { imagePullSecrets: [{ name: 'own' }] });
const cyclic: unknown[] = [];
cyclic.push(cyclic);
const throwing = {
  get op() {
    throw new Error('a getter');
  },
};
const changing = Object.defineProperty({ ...good }, 'path', {
  enumerable: true,
  get: () => '/spec/nodeName',
});

describe('a patch that stays here', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', JSON.stringify([good])],
    ['an object', { ...good }],
    ['an object that looks like a list', { 0: good, length: 1 }],
    ['an operation that is null', [null]],
    ['an operation that is a list', [[good]]],
    ['an operation that is a function', [() => good]],
    ['an operation without a path', [{ op: 'replace', value: 'a' }]],
    ['a path that is no text', [{ ...good, path: 3 }]],
    ['a path that is no pointer', [replace('spec', {})]],
    ['a path of the whole Pod', [replace('', {})]],
    ['the name of the Pod', [replace('/metadata/name', 'other')]],
    ['the command of a container', [add('/spec/containers/0/command', ['sh'])]],
    ['a whole container', [replace('/spec/containers/0', { name: 'x', image: 'y' })]],
    ['a container that is not there', [replace('/spec/containers/1/image', 'a:1')]],
    ['a container behind the last', [replace('/spec/containers/-/image', 'a:1')]],
    ['an index with a leading zero', [replace('/spec/containers/00/image', 'a:1')]],
    ['a node', [add('/spec/nodeName', 'other')]],
    ['a path through __proto__', [add('/__proto__/polluted', true)]],
    ['a removal', [{ op: 'remove', path: image }]],
    ['a move', [{ op: 'move', from: '/spec/nodeName', path: image }]],
    ['a copy', [{ op: 'copy', from: '/metadata/name', path: image }]],
    ['a test', [{ op: 'test', path: image, value: 'quay.io/team/app:1' }]],
    ['an add in the place of a replace', [add(image, 'a:1')]],
    ['no value', [{ op: 'replace', path: image }]],
    ['a value that is NaN', [replace(image, Number.NaN)]],
    ['a value that is undefined', [replace(image, undefined)]],
    ['an image that is a number', [replace(image, 7)]],
    ['an image that is none', [replace(image, 'not an image')]],
    ['an empty image', [replace(image, '')]],
    ['an image of 10,000 characters', [replace(image, `ghcr.io/${'a'.repeat(10_000)}`)]],
    ['an annotation of somebody else', [add('/metadata/annotations/own', 'x')]],
    ['an annotation below ours', [add(`${annotation}~1more`, 'x')]],
    ['an annotation that is no text', [add(annotation, {})]],
    ['an annotation where there are none', [add(annotation, '{}')]],
    ['annotations that are a list', [add('/metadata/annotations', ['x'])]],
    ['annotations of somebody else', [add('/metadata/annotations', { own: 'x' })]],
    ['pull secrets that are no list', [add('/spec/imagePullSecrets', { name: 'a' })]],
    ['a pull secret without a name', [add('/spec/imagePullSecrets', [{}])]],
    ['a pull secret twice', [add('/spec/imagePullSecrets', [{ name: 'a' }, { name: 'a' }])]],
    ['a pull secret that no Secret can be', [add('/spec/imagePullSecrets', [{ name: 'A b' }])]],
    ['a cycle', cyclic],
    ['a getter that throws', [throwing]],
    ['a getter that says something else', [changing]],
    ['a big integer', [replace(image, 1n)]],
    ['a list that JSON makes nothing of', Object.assign([good], { toJSON: () => undefined })],
    ['a list that JSON makes a text of', Object.assign([good], { toJSON: () => 'text' })],
    ['more operations than a Pod has places', new Array(10_001).fill(good)],
    ['a billion operations', new Array(1_000_000_000)],
    ['more than two megabytes', [add('/metadata/annotations', { a: 'x'.repeat(2_097_152) })]],
    ['one good operation and a bad one', [good, add('/spec/nodeName', 'other')]],
  ])('is %s', (_, patch) => {
    const checked = checkAdmissionPatch(admissionOf(), patch);
    expect(checked).toMatchObject({ ok: false, error: expect.any(String) });
    expect(checked.ok ? '' : checked.error.length).toBeLessThan(300);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  test.each<[string, object, object]>([
    ['the annotations that are there', annotated, add('/metadata/annotations', {})],
    ['the pull secrets that are there', secretive, add('/spec/imagePullSecrets', [{ name: 'a' }])],
    ['their order', secretive, add('/spec/imagePullSecrets', [{ name: 'a' }, { name: 'own' }])],
  ])('would take away %s', (_, pod, operation) => {
    expect(checkAdmissionPatch(admissionOf(pod), [operation])).toMatchObject({ ok: false });
  });

  test('would bring the annotations above the 256 KiB that Kubernetes allows', () => {
    const text = 'x'.repeat(256 * 1024 - 30);
    const pod = podOf('a:1', { annotations: { own: text } });
    expect(checkAdmissionPatch(admissionOf(pod), [add(annotation, '{}')])).toMatchObject({
      ok: true,
    });
    expect(checkAdmissionPatch(admissionOf(pod), [add(annotation, 'x'.repeat(30))])).toEqual({
      ok: false,
      error: expect.stringContaining('262144 bytes of annotations'),
    });
  });
});
