import { describe, expect, test } from 'vitest';
import {
  coversArchitectures,
  keptPlatforms,
  matchesPlatform,
  type Platform,
} from '#core/mirroring/platforms.ts';
import { podArchitectures } from '#core/mirroring/pod-architectures.ts';

const linux = (architecture: string, variant?: string) => ({
  ...{ os: 'linux', architecture },
  ...(variant !== undefined && { variant }),
});

describe('a copy keeps', () => {
  test.each<[string, Platform, ReturnType<typeof linux>, boolean]>([
    [
      'any os where none is said',
      { architecture: 'amd64' },
      { ...linux('amd64'), os: 'windows' },
      true,
    ],
    [
      'no other os',
      { os: 'linux', architecture: 'amd64' },
      { ...linux('amd64'), os: 'windows' },
      false,
    ],
    ['an architecture as kernels call it', { architecture: 'aarch64' }, linux('arm64'), true],
    ['no other architecture', { architecture: 'amd64' }, linux('arm64'), false],
    ['any variant where none is said', { architecture: 'arm' }, linux('arm', 'v6'), true],
    ['no other variant', { architecture: 'arm', variant: 'v7' }, linux('arm', 'v6'), false],
    [
      'the usual variant where the index names none',
      { architecture: 'arm64', variant: 'v8' },
      linux('arm64'),
      true,
    ],
  ])('%s', (_, wanted, had, expected) => {
    expect(matchesPlatform(wanted, had)).toBe(expected);
  });

  test('with auto the architectures of the nodes, and everything while no node is known', () => {
    expect(keptPlatforms('auto', ['arm64', 'amd64', 'arm64', ''])).toEqual([
      { architecture: 'amd64' },
      { architecture: 'arm64' },
    ]);
    expect(keptPlatforms('auto', [])).toBe('all');
  });
});

describe('a copy is offered', () => {
  test.each([
    ['whole, to all', undefined, ['s390x'], true],
    [
      'cut, where it holds all that the Pod may run on',
      ['linux/amd64', 'linux/arm/v7'],
      ['amd64', 'arm'],
      true,
    ],
    ['not where it lacks one', ['linux/amd64'], ['amd64', 'arm64'], false],
    ['where no architecture is known', ['linux/amd64'], [], true],
  ])('%s', (_, platforms, architectures, expected) => {
    expect(coversArchitectures(platforms, architectures)).toBe(expected);
  });
});

describe('a Pod may run on', () => {
  const term = (...matchExpressions: readonly object[]) => ({ matchExpressions });
  const affinity = (...nodeSelectorTerms: readonly object[]) => ({
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
  });
  const arch = (operator: string, ...values: readonly string[]) => ({
    key: 'kubernetes.io/arch',
    operator,
    values,
  });

  test.each([
    ['what the nodes are', {}, ['amd64', 'arm64']],
    [
      'what its selector says, node or not',
      { nodeSelector: { 'kubernetes.io/arch': 's390x' } },
      ['s390x'],
    ],
    [
      'what its affinity says',
      { affinity: affinity(term(arch('In', 'arm64', 'arm'))) },
      ['arm', 'arm64'],
    ],
    [
      'what any of its terms says',
      { affinity: affinity(term(arch('In', 'arm')), term(arch('In', 'arm64'))) },
      ['arm', 'arm64'],
    ],
    [
      'what all requirements of a term leave',
      { affinity: affinity(term(arch('In', 'arm', 'arm64'), arch('NotIn', 'arm'))) },
      ['arm64'],
    ],
    ['what is not excluded', { affinity: affinity(term(arch('NotIn', 'amd64'))) }, ['arm64']],
    [
      'all where a term says nothing',
      { affinity: affinity(term(arch('In', 'arm64')), term({ key: 'zone', operator: 'Exists' })) },
      ['amd64', 'arm64'],
    ],
    [
      'what both leave',
      {
        nodeSelector: { 'kubernetes.io/arch': 'arm64' },
        affinity: affinity(term(arch('In', 'arm64', 'amd64'))),
      },
      ['arm64'],
    ],
    [
      'what the nodes are where its words make no sense',
      { nodeSelector: 5, affinity: { nodeAffinity: [] } },
      ['amd64', 'arm64'],
    ],
  ])('%s', (_, spec, expected) => {
    expect(podArchitectures(spec, ['arm64', 'amd64'])).toEqual(expected);
  });
});
