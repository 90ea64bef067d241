import { describe, expect, test } from 'vitest';
import type { KuikResource } from '#api/kinds.ts';
import { type LivePod, liveWorkloadsInSteps } from '#core/routing/live-workloads.ts';
import { coverageInSteps, reroutedBy, withoutNewSecrets } from '#core/routing/resource-plan.ts';
import { compileTable } from '#core/routing/table.ts';
import { drain } from '#core/steps.ts';

function mirror(spec: object): KuikResource {
  return {
    ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind: 'ClusterImageSetMirror' },
    ...{ metadata: { name: 'copies' }, spec },
  } as KuikResource;
}

function pod(name: string, image: string): LivePod {
  return {
    ...{ namespace: 'shop', name, labels: {}, annotations: {}, phase: 'Running' },
    ...{ images: { app: image }, pullSecrets: [] },
  };
}

describe('what a mirror is about', () => {
  test('are the images that its filter lets through, with the places of their copies', () => {
    const resource = mirror({
      imageFilter: { include: ['quay.io/.+'], exclude: ['.+/kept:.+'] },
      mirrors: [{ registry: 'harbor.example.com', path: '/mirror' }],
    });
    const compiled = compileTable([resource]).find('ClusterImageSetMirror/copies');
    if (compiled === undefined) throw new Error('Expected the mirror to compile.');
    const pods = [pod('a', 'quay.io/a/app:1'), pod('b', 'quay.io/a/kept:1'), pod('c', 'nginx:1')];
    const { workloads } = drain(liveWorkloadsInSteps(pods, 10));
    const { covered, leftOut } = drain(coverageInSteps({ resource, compiled }, workloads));
    expect([...covered.values()]).toMatchObject([
      { image: 'quay.io/a/app:1', copies: ['harbor.example.com/mirror/a/app:1'] },
    ]);
    expect(leftOut).toMatchObject([{ image: 'quay.io/a/kept:1', field: 'spec.imageFilter' }]);
  });
});

describe('the Secrets that a planned resource names', () => {
  const registry = 'harbor.example.com';
  const entry = (name: string) => ({ registry, credentialSecret: { name, namespace: 'infra' } });

  test('are not used where no resource that is applied names them for the same place', () => {
    const planned = mirror({ mirrors: [entry('push')] });
    expect(withoutNewSecrets(planned).spec).toEqual({ mirrors: [{ registry }] });
    const elsewhere = mirror({ mirrors: [{ ...entry('push'), registry: 'other.example.com' }] });
    expect(withoutNewSecrets(planned, elsewhere).spec).toEqual({ mirrors: [{ registry }] });
    const another = mirror({ mirrors: [entry('another')] });
    expect(withoutNewSecrets(planned, another).spec).toEqual({ mirrors: [{ registry }] });
  });

  test('stay where the applied one has the same entry', () => {
    const planned = mirror({ mirrors: [entry('push')] });
    expect(withoutNewSecrets(planned, planned).spec).toEqual(planned.spec);
  });
});

test('rerouted is what the resource changes, not what would be so without it', () => {
  const [workload] = drain(liveWorkloadsInSteps([pod('a', 'quay.io/a/app:1')], 1)).workloads;
  if (workload === undefined) throw new Error('Expected a workload.');
  const decision = (winner: string, by: string) => ({
    ...{ key: 'app', image: 'quay.io/a/app:1', winner, by, reason: 'Preferred' as const },
    ...{ message: '', candidates: [], ms: 0 },
  });
  const routed = (winner: string, by: string) => [{ workload, decisions: [decision(winner, by)] }];
  const before = routed('quay.io/a/app:1', 'original');
  const after = routed('ghcr.io/a/app:1', 'ClusterReplicatedImageSet/a');
  expect(reroutedBy('ClusterReplicatedImageSet/a', before, after)).toMatchObject([
    { name: 'a', images: [{ now: 'quay.io/a/app:1', afterwards: 'ghcr.io/a/app:1' }] },
  ]);
  expect(reroutedBy('ClusterReplicatedImageSet/b', before, after)).toEqual([]);
  expect(reroutedBy('ClusterReplicatedImageSet/a', after, after)).toEqual([]);
});
