import { describe, expect, test } from 'vitest';
import { knownWorkloads } from '#core/monitoring/known-workloads.ts';
import type { WorkloadPod } from '#core/monitoring/workloads.ts';
import { reportWorkloads } from '#core/monitoring/workloads-report.ts';
import {
  createTrackedImages,
  manyTracked,
  someTimeMs,
  tracked,
} from '#test/support/monitoring/tracked-images.ts';
import { workloadsAtRisk } from '#test/support/monitoring/workloads-at-risk.ts';

const everything = { name: 'all', matchesPod: () => true };

function pod(name: string, image: string, given: Partial<WorkloadPod> = {}): WorkloadPod {
  return {
    ...{ namespace: 'shop', name, phase: 'Running', labels: {}, annotations: {} },
    images: { app: image },
    ...given,
  };
}

function replicaOf(deployment: string, hash: string): Partial<WorkloadPod> {
  return {
    labels: { 'pod-template-hash': hash },
    owner: { kind: 'ReplicaSet', name: `${deployment}-${hash}` },
  };
}

const gone = tracked('quay.io/shop/web:1', {
  status: 'NotFound',
  lastError: 'manifest unknown',
  lastMonitorMs: someTimeMs,
});

describe('the workloads that could not start again elsewhere', () => {
  test('are those whose image, as now written, is not available, with the reason', () => {
    const images = createTrackedImages();
    images.put(gone, tracked('docker.io/library/nginx:1'), tracked('quay.io/shop/api:1'));
    const pods = [
      pod('web-7d9-a', 'quay.io/shop/web:1', replicaOf('web', '7d9')),
      pod('web-7d9-b', 'quay.io/shop/web:1', replicaOf('web', '7d9')),
      pod('api-1', 'quay.io/shop/api:1'),
      // Rewritten to a copy that can be had: it would start.
      pod('web-8e1-a', 'mirror.example.com/shop/web:1', replicaOf('web', '8e1')),
    ];
    expect(workloadsAtRisk({ pods, scopes: [everything], tracked: images })).toEqual([
      {
        ...{ namespace: 'shop', kind: 'Deployment', name: 'web', pods: 2 },
        images: [
          {
            ...{ image: 'quay.io/shop/web:1', status: 'NotFound', cisa: 'all' },
            ...{ lastError: 'manifest unknown', lastMonitorMs: someTimeMs },
          },
        ],
      },
    ]);
  });

  test.each<[string, Partial<WorkloadPod>, string]>([
    ['a bare Pod', {}, 'Pod/web-1'],
    ['a static Pod', { owner: { kind: 'Node', name: 'node-1' } }, 'Pod/web-1'],
    ['a Deployment', replicaOf('web', '7d9'), 'Deployment/web'],
    [
      'a ReplicaSet of nobody',
      { owner: { kind: 'ReplicaSet', name: 'web-7d9' } },
      'ReplicaSet/web-7d9',
    ],
    [
      'a ReplicaSet with a name of its own',
      { ...replicaOf('web', '7d9'), owner: { kind: 'ReplicaSet', name: 'web' } },
      'ReplicaSet/web',
    ],
    ['a StatefulSet', { owner: { kind: 'StatefulSet', name: 'web' } }, 'StatefulSet/web'],
    ['a Job', { owner: { kind: 'Job', name: 'web-29000000' } }, 'Job/web-29000000'],
  ])('%s is named as people name it', (_, given, expected) => {
    const images = createTrackedImages();
    images.put(gone);
    const pods = [pod('web-1', 'quay.io/shop/web:1', given)];
    const found = workloadsAtRisk({ pods, scopes: [everything], tracked: images });
    expect(found.map(({ kind, name }) => `${kind}/${name}`)).toEqual([expected]);
  });

  test('are not those that have ended, nor those whose image is short of a verdict', () => {
    const images = createTrackedImages();
    images.put(gone, tracked('quay.io/shop/new:1', { status: 'Scheduled' }));
    const pods = [
      pod('done', 'quay.io/shop/web:1', { phase: 'Succeeded' }),
      pod('failed', 'quay.io/shop/web:1', { phase: 'Failed' }),
      pod('new', 'quay.io/shop/new:1'),
      pod('unparsable', 'quay.io/Shop/web:1'),
    ];
    expect(workloadsAtRisk({ pods, scopes: [everything], tracked: images })).toEqual([]);
  });

  test('names are compared in their full form', () => {
    const images = createTrackedImages();
    images.put(tracked('docker.io/library/nginx', { status: 'QuotaExceeded' }));
    const pods = [pod('a', 'nginx'), pod('b', 'docker.io/nginx'), pod('c', 'quay.io/team/nginx')];
    const found = workloadsAtRisk({ pods, scopes: [everything], tracked: images });
    expect(found.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('each Pod is judged by the resources that are about it', () => {
    const images = createTrackedImages();
    const image = 'quay.io/private/app:1';
    images.put(
      tracked(image, { resource: 'red', status: 'InvalidAuth' }),
      tracked(image, { resource: 'blue' }),
    );
    const scopes = ['red', 'blue'].map((name) => ({
      name,
      matchesPod: ({ namespace }: { namespace: string }) => namespace.includes(name),
    }));
    const pods = ['red', 'blue', 'red-and-blue', 'green'].map((namespace) =>
      pod('app', image, { namespace }),
    );
    const found = workloadsAtRisk({ pods, scopes, tracked: images });
    // Where one resource can pull it, so can a Pod that both are about.
    expect(found.map(({ namespace }) => namespace)).toEqual(['red']);
  });

  test('among 10,000 Pods and 20,000 images are quickly found', () => {
    const images = createTrackedImages();
    const many = manyTracked(20_000);
    images.put(...many);
    const pods = Array.from({ length: 10_000 }, (_, index) =>
      pod(`pod-${index}`, '', {
        images: { a: many[index * 2]?.image ?? '', b: many[index * 2 + 1]?.image ?? '' },
      }),
    );
    const times = Array.from({ length: 3 }, () => {
      const startedMs = performance.now();
      expect(
        workloadsAtRisk({ pods, scopes: [everything], tracked: images }).length,
      ).toBeGreaterThan(100);
      return performance.now() - startedMs;
    });
    expect(Math.min(...times)).toBeLessThan(500);
  });
});

test('an image that only kubelets can pull puts no workload at risk, and is counted as such', () => {
  const images = createTrackedImages();
  images.put(
    tracked('nodes.example.com/shop/web:1', { status: 'NodeOnly' }),
    tracked('quay.io/shop/api:1', { status: 'Scheduled' }),
    tracked('docker.io/library/nginx:1'),
  );
  const pods = [pod('web-1', 'nodes.example.com/shop/web:1')];
  const state = { pods, scopes: [everything], tracked: images };
  const workloads = workloadsAtRisk(state);
  expect(reportWorkloads(knownWorkloads(workloads, new Set()), state)).toEqual({
    ...{ workloads: [], imagesInUse: 3, imagesUnchecked: 1, imagesNodeOnly: 1, resources: 1 },
    imagesUnreadable: 0,
  });
});
