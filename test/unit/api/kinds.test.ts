import { expect, test } from 'vitest';
import { resourceName } from '#api/kinds.ts';

test('a resource is named by kind and name, and by its namespace where it has one', () => {
  const apiVersion = 'kuik.enix.io/v1alpha1';
  expect(
    resourceName({ apiVersion, kind: 'ClusterImageSetMirror', metadata: { name: 'global' } }),
  ).toBe('ClusterImageSetMirror/global');
  expect(
    resourceName({
      apiVersion,
      kind: 'ReplicatedImageSet',
      metadata: { name: 'thanos', namespace: 'monitoring' },
    }),
  ).toBe('ReplicatedImageSet/monitoring/thanos');
});
