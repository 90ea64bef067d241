import { describe, expect, test } from 'vitest';
import { answerReview, readReview } from '#http/admission-review.ts';
import { podOf, reviewOf } from '#test/support/operator/reviews.ts';

describe('reading a review', () => {
  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /AdmissionReview, got nothing/],
    ['null', null, /AdmissionReview, got null/],
    ['a text', 'review', /got a value of type string/],
    ['a list', [reviewOf()], /got a list/],
    ['no request', { apiVersion: 'admission.k8s.io/v1' }, /with a request, got nothing there/],
    ['a request that is a list', { request: [] }, /with a request, got a list there/],
    ['no uid', { request: {} }, /with a uid, got nothing there/],
    ['an empty uid', { request: { uid: '' } }, /with a uid, got a value of type string/],
    ['a uid that is a number', { request: { uid: 7 } }, /with a uid, got a value of type number/],
    ['a flood for a uid', { request: { uid: 'u'.repeat(1_025) } }, /with a uid/],
  ])('fails where there is nobody to answer: %s', (_, body, problem) => {
    expect(readReview(body)).toEqual({ ok: false, error: expect.stringMatching(problem) });
  });

  test.each<[string, object, RegExp]>([
    ['another kind', { ...reviewOf(), kind: 'Pod' }, /expected kind AdmissionReview, got "Pod"/],
    ['no kind', { ...reviewOf(), kind: undefined }, /got nothing/],
    ['another version', { ...reviewOf(), apiVersion: 'admission.k8s.io/v1beta1' }, /v1beta1/],
    [
      'a Deployment',
      reviewOf(podOf(), { kind: { kind: 'Deployment' } }),
      /got one of "Deployment"/,
    ],
    [
      'a Pod of another group',
      reviewOf(podOf(), { kind: { group: 'x', kind: 'Pod' } }),
      /of a Pod/,
    ],
    ['no object', reviewOf(podOf(), { object: null }), /expected a Pod as the object, got null/],
    ['a list of Pods', reviewOf([podOf()]), /expected a Pod as the object, got a list/],
    ['no spec', reviewOf({ kind: 'Pod', metadata: {} }), /with a spec, got nothing there/],
    ['a spec that is text', reviewOf({ spec: 'x' }), /with a spec, got a value of type string/],
  ])('lets pass what it cannot route, and says why: %s', (_, body, problem) => {
    const read = readReview(body);
    expect(read).toMatchObject({ ok: true, value: { kind: 'pass', uid: 'review-1' } });
    expect(read.ok && read.value.kind === 'pass' ? read.value.problem : '').toMatch(problem);
  });

  test.each([
    ['an UPDATE of the Pod itself', { operation: 'UPDATE' }],
    ['a DELETE, which has no object', { operation: 'DELETE', object: null }],
    ['another subresource', { operation: 'CREATE', subResource: 'eviction' }],
    ['no operation', { operation: undefined }],
  ])('lets pass what is not to be routed, without a word: %s', (_, request) => {
    const read = readReview(reviewOf(podOf(), request));
    expect(read).toEqual({
      ok: true,
      value: { kind: 'pass', uid: 'review-1', apiVersion: 'admission.k8s.io/v1' },
    });
  });

  test('routes a Pod on CREATE, in the namespace that the API server states', () => {
    const pod = podOf();
    expect(readReview(reviewOf(pod))).toEqual({
      ok: true,
      value: {
        kind: 'route',
        uid: 'review-1',
        apiVersion: 'admission.k8s.io/v1',
        admission: { pod, namespace: 'apps', subresource: '', dryRun: false, uid: 'review-1' },
      },
    });
    const own = reviewOf(podOf('app:1', { namespace: 'own' }), { namespace: undefined });
    expect(readReview(own)).toMatchObject({ value: { admission: { namespace: 'own' } } });
  });

  test('routes ephemeral containers on UPDATE, with the Pod as it was', () => {
    const request = {
      operation: 'UPDATE',
      subResource: 'ephemeralcontainers',
      oldObject: podOf('old:1'),
    };
    expect(readReview(reviewOf(podOf(), request))).toMatchObject({
      value: {
        kind: 'route',
        admission: { subresource: 'ephemeralcontainers', oldPod: podOf('old:1') },
      },
    });
  });

  test.each([
    [undefined, false],
    [null, false],
    [false, false],
    [true, true],
    ['false', true],
    [0, true],
  ])('dryRun %j writes nothing in doubt: %s', (dryRun, expected) => {
    expect(readReview(reviewOf(podOf(), { dryRun }))).toMatchObject({
      value: { admission: { dryRun: expected } },
    });
  });
});

describe('answering a review', () => {
  const review = { uid: 'u', apiVersion: 'admission.k8s.io/v1' };

  test('is yes, without a patch where nothing changes and without a word where there is none', () => {
    expect(answerReview(review, { warnings: [] })).toEqual({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'u', allowed: true },
    });
  });

  test('carries the patch in base64, its UTF-8 intact', () => {
    const { response } = answerReview(review, { patch: '[{"value":"ü"}]', warnings: ['w'] });
    expect(response).toMatchObject({ patchType: 'JSONPatch', warnings: ['w'] });
    expect(Buffer.from(response.patch ?? '', 'base64').toString()).toBe('[{"value":"ü"}]');
  });

  test.each([
    ['admission.k8s.io/v1beta1', 'admission.k8s.io/v1beta1'],
    ['admission.k8s.io/v2', 'admission.k8s.io/v2'],
    ['example.com/v1', 'admission.k8s.io/v1'],
    [undefined, 'admission.k8s.io/v1'],
    [`admission.k8s.io/v${'1'.repeat(50)}`, 'admission.k8s.io/v1'],
  ])('a review in %s is answered in %s', (apiVersion, expected) => {
    expect(readReview({ ...reviewOf(), apiVersion })).toMatchObject({
      value: { apiVersion: expected },
    });
  });
});
