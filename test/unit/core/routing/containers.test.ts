import { describe, expect, test } from 'vitest';
import type { PodAdmission, PodObject } from '#core/pod.ts';
import { ORIGINAL_IMAGES } from '#core/routing/annotations.ts';
import { type ContainerPlan, planContainers } from '#core/routing/containers.ts';
import type { RoutingPolicy } from '#core/routing/policy.ts';
import { compileTable } from '#core/routing/table.ts';
import { defaultRoutingPolicy } from '#test/support/routing/default-policy.ts';
import { admissionOf, container, podOf } from '#test/support/routing/pods.ts';
import { clusterMirror } from '#test/support/routing/resources.ts';

const table = compileTable([
  clusterMirror('m', {
    imageFilter: { include: ['quay.io/.*'] },
    mirrors: [{ registry: 'harbor.example.com', path: '/m' }],
  }),
]);

function plan(
  pod: PodObject,
  policy: Partial<RoutingPolicy> = {},
  given: Partial<PodAdmission> = {},
): readonly ContainerPlan[] {
  return planContainers(table, admissionOf(pod, given), { ...defaultRoutingPolicy, ...policy });
}

/** Per image: why it is left alone, or its candidates. */
function outcomes(plans: readonly ContainerPlan[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    plans.map((one) => [
      one.container.key,
      one.kind === 'skip' ? one.skip : one.candidates.map(({ image }) => image),
    ]),
  );
}

const original = 'quay.io/team/app:1';
const copy = 'harbor.example.com/m/team/app:1';
const both = [original, copy];

const annotated = (originals: unknown): PodObject['metadata'] => ({
  annotations: {
    [ORIGINAL_IMAGES]: typeof originals === 'string' ? originals : JSON.stringify(originals),
  },
});

describe('a whole Pod is left alone', () => {
  test('when it is the mirror of a static one, whatever the annotation says', () => {
    const metadata = { annotations: { 'kubernetes.io/config.mirror': '' } };
    expect(outcomes(plan(podOf(original, { metadata })))).toEqual({ app: 'StaticPod' });
  });

  test.each<[string, Partial<RoutingPolicy>, PodObject['metadata']]>([
    ['a label', { skipLabels: ['kuik=off'] }, { labels: { kuik: 'off' } }],
    ['any of the selectors', { skipLabels: ['a=b', 'kuik'] }, { labels: { kuik: 'x' } }],
    ['a label that is not there', { skipLabels: ['!team'] }, { labels: { kuik: 'x' } }],
    ['an annotation', { skipAnnotations: ['kuik in (off, no)'] }, { annotations: { kuik: 'no' } }],
  ])('when %s says so', (_, policy, metadata) => {
    const spec = { initContainers: [container('init', original)] };
    const pod = podOf(original, {
      ...(metadata && { metadata }),
      spec: { ...podOf(original).spec, ...spec },
    });
    expect(outcomes(plan(pod, policy))).toEqual({ 'init:init': 'SkippedPod', app: 'SkippedPod' });
  });

  test('and the reason names the selector', () => {
    const pod = podOf(original, { metadata: { labels: { kuik: 'off' } } });
    expect(plan(pod, { skipLabels: ['kuik=off'] })).toMatchObject([
      { why: 'skipLabels has "kuik=off"' },
    ]);
  });

  test('but not for a selector that is only about labels', () => {
    const pod = podOf(original, { metadata: { annotations: { kuik: 'off' } } });
    expect(outcomes(plan(pod, { skipLabels: ['kuik=off'] }))).toEqual({ app: both });
  });
});

describe('a container is left alone', () => {
  test('with the pull policy Never, unless the configuration says otherwise', () => {
    const pod = podOf(original, {
      spec: {
        containers: [container('app', original, 'Never'), container('tool', original)],
        volumes: [{ name: 'v', image: { reference: original, pullPolicy: 'Never' } }],
      },
    });
    expect(outcomes(plan(pod))).toEqual({
      app: 'NeverPulled',
      tool: both,
      'volume:v': 'NeverPulled',
    });
    expect(outcomes(plan(pod, { rewriteOnNeverImagePullPolicy: true }))).toEqual({
      app: both,
      tool: both,
      'volume:v': both,
    });
  });

  test.each([
    'Quay.io/UPPER',
    'my_host.example.com/app',
    '',
    ':1',
    `sha256:${'0'.repeat(64)}`,
    '🐳',
  ])('when its image is %o, which is none', (image) => {
    const pod = podOf(original, {
      spec: { containers: [container('bad', image || ' '), container('good', original)] },
    });
    expect(outcomes(plan(pod))).toEqual({ bad: 'Unparsable', good: both });
  });
});

describe('a container that the annotation names', () => {
  const withOriginal = (image: string, was: string) =>
    outcomes(plan(podOf(image, { metadata: annotated({ app: was }) })))['app'];

  test.each<[string, string, string]>([
    ['its original', original, original],
    ['its original, written in full', 'docker.io/library/nginx:1', 'nginx:1'],
    ['a candidate of its original', copy, original],
  ])('is done when it runs %s', (_, image, was) => {
    expect(withOriginal(image, was)).toBe('Processed');
  });

  test.each<[string, string, string, readonly string[]]>([
    [
      'another image',
      'quay.io/team/other:1',
      original,
      ['quay.io/team/other:1', 'harbor.example.com/m/team/other:1'],
    ],
    [
      'another tag',
      'quay.io/team/app:2',
      original,
      ['quay.io/team/app:2', 'harbor.example.com/m/team/app:2'],
    ],
    [
      'a copy that nobody proposes any more',
      'harbor.example.com/old/team/app:1',
      original,
      ['harbor.example.com/old/team/app:1'],
    ],
    ['an image, and the original is none', original, 'Not An Image', both],
  ])('is routed as it stands when it runs %s', (_, image, was, candidates) => {
    expect(withOriginal(image, was)).toEqual(candidates);
  });

  test('is only that container: its siblings are routed', () => {
    const metadata = annotated({ 'init:app': original, app: original });
    const pod = podOf(copy, {
      ...(metadata && { metadata }),
      spec: {
        initContainers: [container('other', original)],
        containers: [container('app', copy), container('tool', original)],
      },
    });
    expect(outcomes(plan(pod))).toEqual({ 'init:other': both, app: 'Processed', tool: both });
  });

  test.each(['', 'no JSON', '[]', 'null', '"app"', '{"app": 1}', '{"app": null}'])(
    'is none when the annotation is %o',
    (text) => {
      expect(outcomes(plan(podOf(original, { metadata: annotated(text) })))).toEqual({ app: both });
    },
  );

  test('cannot be named by what every object has', () => {
    const pod = podOf(original, {
      metadata: annotated({}),
      spec: { containers: [container('constructor', original)] },
    });
    expect(outcomes(plan(pod))).toEqual({ constructor: both });
  });
});

test('an ephemeral container is planned like any, the other images of its Pod are not', () => {
  const pod = podOf(original, {
    spec: { ...podOf(original).spec, ephemeralContainers: [container('shell', original)] },
  });
  const plans = plan(pod, {}, { subresource: 'ephemeralcontainers', oldPod: podOf(original) });
  expect(outcomes(plans)).toEqual({ 'ephemeral:shell': both });
});
