import { describe, expect, test } from 'vitest';
import { buildPatch } from '#core/routing/patch.ts';
import { checkAdmissionPatch } from '#http/admission-patch.ts';
import { decisionOf } from '#test/support/routing/decisions.ts';
import { admissionOf, container, podOf } from '#test/support/routing/pods.ts';

const image = 'quay.io/team/app:1';
const copy = 'harbor.example.com/m/team/app:1';
const rewritten = decisionOf('app', image, { winner: copy });

describe('the webhook lets out what the router builds', () => {
  test.each<[string, Parameters<typeof podOf>[1]]>([
    ['for a bare Pod', {}],
    ['for a Pod with annotations', { metadata: { annotations: { mine: 'x' } } }],
    ['for a Pod with empty annotations', { metadata: { annotations: {} } }],
    [
      'for a Pod that names pull secrets already',
      { spec: { ...podOf(image).spec, imagePullSecrets: [{ name: 'own' }, {}] } },
    ],
  ])('%s', (_, given) => {
    const pod = podOf(image, given);
    const patch = buildPatch(pod, [rewritten], { pullSecretsToAdd: ['kuik-pull-0'] });
    const checked = checkAdmissionPatch(admissionOf(pod), patch);
    expect(checked).toEqual({ ok: true, value: JSON.stringify(patch) });
  });

  test('for an ephemeral container', () => {
    const pod = podOf(image, {
      spec: { ...podOf(image).spec, ephemeralContainers: [container('shell', image)] },
    });
    const shell = decisionOf('ephemeral:shell', image, { winner: copy });
    const patch = buildPatch(pod, [shell], { pullSecretsToAdd: [] });
    const subresource = 'ephemeralcontainers';
    expect(checkAdmissionPatch(admissionOf(pod, { subresource }), patch).ok).toBe(true);
  });

  test('and nothing at all when there is nothing to do', () => {
    const nothing = checkAdmissionPatch(admissionOf(podOf(image)), []);
    expect(nothing).toEqual({ ok: true, value: undefined });
  });
});

describe('the webhook keeps back', () => {
  const update = { subresource: 'ephemeralcontainers' } as const;
  test.each<[string, unknown, Parameters<typeof admissionOf>[1]]>([
    ['what is no patch', 'patch', {}],
    ['an operation that is none', ['add'], {}],
    ['an operation without a value', [{ op: 'add', path: '/metadata/annotations' }], {}],
    ['a move', [{ op: 'move', path: '/spec', from: '/metadata' }], {}],
    ['a path of others', [{ op: 'add', path: '/spec/hostNetwork', value: true }], {}],
    [
      'pull secrets on an UPDATE',
      [{ op: 'add', path: '/spec/imagePullSecrets', value: [{ name: 'a' }] }],
      update,
    ],
    [
      'annotations on an UPDATE',
      [{ op: 'add', path: '/metadata/annotations', value: { 'kuik.enix.io/reason': '{}' } }],
      update,
    ],
    [
      'an image that is none',
      [{ op: 'replace', path: '/spec/containers/0/image', value: 'A B' }],
      {},
    ],
  ])('%s', (_, patch, given) => {
    expect(checkAdmissionPatch(admissionOf(podOf(image), given), patch).ok).toBe(false);
  });

  test('a list of pull secrets that loses one of the Pod’s', () => {
    const spec = { ...podOf(image).spec, imagePullSecrets: [{ name: 'own' }] };
    const patch = [{ op: 'add', path: '/spec/imagePullSecrets', value: [{ name: 'a' }] }];
    expect(checkAdmissionPatch(admissionOf(podOf(image, { spec })), patch).ok).toBe(false);
  });
});
