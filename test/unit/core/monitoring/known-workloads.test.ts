import { expect, test } from 'vitest';
import { knownWorkloads, namespacesInDoubt } from '#core/monitoring/known-workloads.ts';
import type { WorkloadAtRisk } from '#core/monitoring/workloads.ts';

function workload(namespace: string, ...images: [string, 'UnavailableSecret' | 'NotFound'][]) {
  return {
    ...{ namespace, kind: 'Deployment', name: 'web', pods: 1 },
    images: images.map(([image, status]) => ({ image, status, cisa: 'all' })),
  } satisfies WorkloadAtRisk;
}

const open = workload('open', ['a:1', 'UnavailableSecret']);
const kept = workload('kept', ['a:1', 'UnavailableSecret']);
const both = workload('kept', ['b:1', 'UnavailableSecret'], ['c:1', 'NotFound']);
const gone = workload('gone', ['c:1', 'NotFound']);

test('where kuik may read no Secret, a missing one puts no workload at risk', () => {
  const { workloads, imagesUnreadable } = knownWorkloads(
    [open, kept, both, gone],
    new Set(['kept', 'gone']),
  );
  expect(workloads).toEqual([open, workload('kept', ['c:1', 'NotFound']), gone]);
  expect(imagesUnreadable).toBe(2);
});

test('it is asked about those namespaces alone where one is missing', () => {
  expect(namespacesInDoubt([open, kept, both, gone])).toEqual(['open', 'kept']);
});
