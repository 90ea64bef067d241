import { describe, expect, test } from 'vitest';
import type { RouteDecision } from '#core/routing/decision.ts';
import { isOnRegistry, type LivePod, liveWorkloadsInSteps } from '#core/routing/live-workloads.ts';
import { whatIfReport } from '#core/routing/what-if.ts';
import { drain } from '#core/steps.ts';

const live = (...asked: Parameters<typeof liveWorkloadsInSteps>) =>
  drain(liveWorkloadsInSteps(...asked));

function pod(over: Partial<LivePod> = {}): LivePod {
  return {
    ...{ namespace: 'shop', name: 'web-1', labels: {}, annotations: {}, phase: 'Running' },
    ...{ images: { app: 'quay.io/team/app:1' }, pullSecrets: [] },
    ...over,
  };
}

function decision(over: Partial<RouteDecision>): RouteDecision {
  const image = 'quay.io/team/app:1';
  return {
    ...{ key: 'app', image, winner: image, by: 'original', reason: 'OriginalAvailable' },
    ...{ message: 'said so', candidates: [], ms: 0 },
    ...over,
  };
}

describe('the workloads that live', () => {
  test('are Pods of one owner and the same images, counted', () => {
    const owner = { kind: 'StatefulSet', name: 'web' };
    const { workloads, left } = live([pod({ owner }), pod({ owner, name: 'web-2' })], 10);
    expect(workloads).toMatchObject([{ namespace: 'shop', ...owner, pods: 2 }]);
    expect(left).toBe(0);
  });

  test('come as their users wrote them, each image in its place', () => {
    const annotations = {
      'kuik.enix.io/original-images': '{"app":"docker.io/team/app:1"}',
      mine: 'stays',
    };
    const images = { app: 'quay.io/team/app:1', 'init:a': 'a:1', 'volume:m': 'm:1' };
    const { workloads } = live([pod({ annotations, images, pullSecrets: ['pull'] })], 10);
    expect(workloads[0]?.admission.pod).toMatchObject({
      metadata: { namespace: 'shop', annotations: { mine: 'stays' } },
      spec: {
        containers: [{ name: 'app', image: 'docker.io/team/app:1' }],
        initContainers: [{ name: 'a', image: 'a:1' }],
        volumes: [{ name: 'm', image: { reference: 'm:1' } }],
        imagePullSecrets: [{ name: 'pull' }],
      },
    });
    expect(workloads[0]?.admission.dryRun).toBe(true);
  });

  test('are none of those that have ended, nor more than may be asked about', () => {
    const ended = pod({ phase: 'Succeeded' });
    const others = ['a', 'b', 'c'].map((name) => pod({ name }));
    const { workloads, left } = live([ended, ...others], 2);
    expect(workloads).toHaveLength(2);
    expect(left).toBe(1);
  });

  test('are picked by what they run and by what their users wrote', () => {
    const annotations = { 'kuik.enix.io/original-images': '{"app":"docker.io/team/app:1"}' };
    const find = (host: string) =>
      live([pod({ annotations })], 10, (images) =>
        images.some((image) => isOnRegistry(image, new Set([host]))),
      ).workloads.length;
    expect(['quay.io', 'docker.io', 'ghcr.io'].map(find)).toEqual([1, 1, 0]);
  });
});

describe('without a registry', () => {
  const [workload] = live([pod()], 1).workloads;
  const report = (decisions?: readonly RouteDecision[]) => {
    if (workload === undefined) throw new Error('Expected a workload.');
    return whatIfReport(['quay.io'], [decisions ? { workload, decisions } : { workload }], 0);
  };

  test('a workload with another image moves there', () => {
    const winner = 'ghcr.io/team/app:1';
    const by = 'ClusterReplicatedImageSet/app';
    const { moving, stranded } = report([decision({ winner, by, reason: 'OriginalUnreachable' })]);
    expect(moving).toMatchObject([
      { name: 'web-1', images: [{ now: 'quay.io/team/app:1', afterwards: winner, by }] },
    ]);
    expect(stranded).toEqual([]);
  });

  test.each([
    ['nothing is available', { reason: 'NothingAvailable' }],
    ['nobody proposes another image', { reason: 'OnlyCandidate' }],
    ['it is left alone', { reason: 'Skipped' }],
  ] as const)('a workload cannot start where %s', (_, over) => {
    const { moving, stranded } = report([decision(over)]);
    expect(stranded).toMatchObject([{ images: [{ container: 'app', message: 'said so' }] }]);
    expect(stranded[0]?.images[0]).not.toHaveProperty('afterwards');
    expect(moving).toEqual([]);
  });

  test('a workload that was not decided about is counted', () => {
    expect(report()).toMatchObject({ moving: [], stranded: [], staying: 0, undecided: 1 });
  });
});
