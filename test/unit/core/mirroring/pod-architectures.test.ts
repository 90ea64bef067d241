import { describe, expect, test } from 'vitest';
import { podArchitectures } from '#core/mirroring/pod-architectures.ts';
import type { NodeSelectorRequirement, PodSpec } from '#core/pod.ts';

const arch = 'kubernetes.io/arch';
const nodes = new Set(['amd64', 'arm64']);

const anyOf = (...terms: readonly (readonly NodeSelectorRequirement[])[]): PodSpec => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: terms.map((matchExpressions) => ({ matchExpressions })),
      },
    },
  },
});
const isIn = (...values: readonly string[]) => ({ key: arch, operator: 'In', values });
const isNotIn = (...values: readonly string[]) => ({ key: arch, operator: 'NotIn', values });
const zone = { key: 'zone', operator: 'In', values: ['a'] };

const of = (spec: PodSpec) => podArchitectures(spec, nodes);

describe('a Pod may run', () => {
  test.each<[string, PodSpec, readonly string[]]>([
    ['wherever the nodes are, where it says nothing', {}, ['amd64', 'arm64']],
    ['on what its node selector names', { nodeSelector: { [arch]: 's390x' } }, ['s390x']],
    [
      'on what its node selector names by the older label',
      { nodeSelector: { 'beta.kubernetes.io/arch': 'arm64' } },
      ['arm64'],
    ],
    ['wherever another selector leads', { nodeSelector: { zone: 'a' } }, ['amd64', 'arm64']],
    ['on what its affinity names', anyOf([isIn('arm64', 's390x')]), ['arm64', 's390x']],
    ['on what any term names', anyOf([isIn('arm64')], [isIn('amd64')]), ['amd64', 'arm64']],
    ['on what all of a term leaves', anyOf([isIn('arm64', 'amd64'), isNotIn('arm64')]), ['amd64']],
    ['on the nodes that its affinity does not leave out', anyOf([isNotIn('arm64')]), ['amd64']],
    ['everywhere, where one term says nothing of it', anyOf([isIn('arm64')], [zone]), [...nodes]],
    [
      'on what selector and affinity leave together',
      { nodeSelector: { [arch]: 'amd64' }, ...anyOf([isIn('arm64', 'amd64')]) },
      ['amd64'],
    ],
  ])('%s', (_, spec, expected) => {
    expect(of(spec)).toEqual(expected);
  });

  test('wherever the nodes are, where what it says is no selector', () => {
    const bad = { nodeSelector: [null], affinity: { nodeAffinity: null } };
    expect(of(bad as never)).toEqual([...nodes]);
    expect(of(anyOf(null as never, [null] as never))).toEqual([...nodes]);
  });
});
