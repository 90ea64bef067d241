import { describe, expect, test } from 'vitest';
import { applyPatch } from '#core/json-patch.ts';
import type { PodObject } from '#core/pod.ts';
import { checkPatch } from '#core/routing/check-patch.ts';
import type { RouteDecision } from '#core/routing/decision.ts';
import { buildPatch } from '#core/routing/patch.ts';
import { decisionOf } from '#test/support/routing/decisions.ts';
import { container, podOf } from '#test/support/routing/pods.ts';

const image = 'quay.io/team/app:1';
const copy = 'harbor.example.com/m/team/app:1';
const rewritten = decisionOf('app', image, { winner: copy });

const build = (pod: PodObject, decisions: readonly RouteDecision[], secrets: string[] = []) =>
  buildPatch(pod, decisions, { pullSecretsToAdd: secrets });

function patched(pod: PodObject, decisions: readonly RouteDecision[], secrets: string[] = []) {
  const patch = build(pod, decisions, secrets);
  expect(checkPatch(pod, patch)).toEqual({ ok: true, value: undefined });
  const once = applyPatch(pod, patch);
  if (!once.ok) throw new Error(once.error.message);
  expect(applyPatch(once.value, patch)).toEqual(once);
  return once.value as Required<PodObject>;
}

const kuik = (name: string) => `kuik.enix.io/${name}`;

describe('a patch', () => {
  test('is empty when nothing was rewritten, whatever the Pod carries', () => {
    const metadata = { annotations: { [kuik('original-images')]: '{"app":"x"}' } };
    const decisions = [decisionOf('app', image), decisionOf('app', image, { reason: 'Skipped' })];
    expect(build(podOf(image), decisions)).toEqual([]);
    expect(build(podOf(image, { metadata }), decisions)).toEqual([]);
  });

  test('names the image and all three annotations at once where the Pod has none', () => {
    expect(build(podOf(image), [rewritten])).toEqual([
      { op: 'replace', path: '/spec/containers/0/image', value: copy },
      {
        op: 'add',
        path: '/metadata/annotations',
        value: {
          [kuik('original-images')]: JSON.stringify({ app: image }),
          [kuik('rewritten-by')]: '{"app":"ClusterImageSetMirror/m"}',
          [kuik('reason')]: '{"app":"OriginalUnreachable"}',
        },
      },
    ]);
  });

  test('leaves other annotations alone and writes only what differs', () => {
    const metadata = {
      annotations: {
        mine: 'kept',
        [kuik('original-images')]: JSON.stringify({ app: image }),
        [kuik('reason')]: '{"app":"Preferred"}',
      },
    };
    expect(build(podOf(image, { metadata }), [rewritten]).slice(1)).toEqual([
      {
        op: 'add',
        path: '/metadata/annotations/kuik.enix.io~1rewritten-by',
        value: '{"app":"ClusterImageSetMirror/m"}',
      },
      {
        op: 'add',
        path: '/metadata/annotations/kuik.enix.io~1reason',
        value: '{"app":"OriginalUnreachable"}',
      },
    ]);
  });

  test('reaches init containers, image volumes and every place by its key', () => {
    const pod = podOf(image, {
      spec: {
        initContainers: [container('app', image), container('proxy', image)],
        containers: [container('tool', 'kept:1'), container('app', image)],
        volumes: [{ name: 'data' }, { name: 'app', image: { reference: image } }],
      },
    });
    const decisions = ['init:proxy', 'app', 'volume:app'].map((key) =>
      decisionOf(key, image, { winner: copy }),
    );
    const { spec, metadata } = patched(pod, decisions);
    expect(spec.initContainers?.map((one) => one.image)).toEqual([image, copy]);
    expect(spec.containers?.map((one) => one.image)).toEqual(['kept:1', copy]);
    expect(spec.volumes?.[1]?.image?.reference).toBe(copy);
    expect(JSON.parse(metadata.annotations?.[kuik('original-images')] ?? '')).toEqual({
      'init:proxy': image,
      app: image,
      'volume:app': image,
    });
  });

  test('keeps the keys of what was done before, drops those of containers that are not there', () => {
    const originals = { tool: 'quay.io/team/tool:1', gone: 'quay.io/team/gone:1' };
    const pod = podOf(image, {
      metadata: { annotations: { [kuik('original-images')]: JSON.stringify(originals) } },
      spec: {
        containers: [container('app', image), container('tool', 'harbor.example.com/tool:1')],
      },
    });
    const skipped = decisionOf('tool', 'harbor.example.com/tool:1', { reason: 'Skipped' });
    const { metadata } = patched(pod, [rewritten, skipped]);
    expect(JSON.parse(metadata.annotations?.[kuik('original-images')] ?? '')).toEqual({
      tool: 'quay.io/team/tool:1',
      app: image,
    });
  });

  test('drops the key of one that was routed as it stands and keeps its image', () => {
    const originals = { app: 'quay.io/old/app:1', tool: 'quay.io/old/tool:1' };
    const pod = podOf(image, {
      metadata: { annotations: { [kuik('original-images')]: JSON.stringify(originals) } },
      spec: { containers: [container('app', image), container('tool', 'quay.io/team/tool:1')] },
    });
    const kept = decisionOf('tool', 'quay.io/team/tool:1');
    const { metadata } = patched(pod, [rewritten, kept]);
    expect(JSON.parse(metadata.annotations?.[kuik('original-images')] ?? '')).toEqual({
      app: image,
    });
  });

  test('replaces an annotation that is nonsense', () => {
    const metadata = { annotations: { [kuik('original-images')]: 'no JSON' } };
    const made = patched(podOf(image, { metadata }), [rewritten]);
    expect(made.metadata.annotations?.[kuik('original-images')]).toBe(`{"app":"${image}"}`);
  });

  test('gives ephemeral containers their image and nothing else', () => {
    const ephemeralContainers = [container('first', image), container('shell', image)];
    const pod = podOf('kept:1', { spec: { ...podOf('kept:1').spec, ephemeralContainers } });
    expect(build(pod, [decisionOf('ephemeral:shell', image, { winner: copy })])).toEqual([
      { op: 'replace', path: '/spec/ephemeralContainers/1/image', value: copy },
    ]);
  });

  test('adds pull secrets behind those that are there, each once', () => {
    const imagePullSecrets = [{ name: 'own' }];
    const spec = { ...podOf(image).spec, imagePullSecrets };
    const made = patched(podOf(image, { spec }), [rewritten], ['a', 'own', 'b', 'a']);
    expect(made.spec.imagePullSecrets).toEqual([{ name: 'own' }, { name: 'a' }, { name: 'b' }]);
    expect(build(podOf(image, { spec }), [], ['own'])).toEqual([]);
    expect(build(podOf(image), [], ['a'])).toEqual([
      { op: 'add', path: '/spec/imagePullSecrets', value: [{ name: 'a' }] },
    ]);
  });
});
