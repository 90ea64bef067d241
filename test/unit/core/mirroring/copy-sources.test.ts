import { describe, expect, test } from 'vitest';
import type { KuikResource } from '#api/kinds.ts';
import { type CopySource, commonSources, copySources } from '#core/mirroring/copy-sources.ts';
import { compileTable } from '#core/routing/table.ts';
import {
  clusterMirror,
  clusterSet,
  namespacedMirror,
  namespacedSet,
  reference,
} from '../../../support/routing/resources.ts';

const upstreams = (alternative: string) => [
  {
    registry: 'docker.io',
    path: '/team',
    imageFilter: { include: ['/team/.+'] },
    credentialSecret: { name: 'hub', namespace: 'sets' },
  },
  { registry: alternative, credentialSecret: { name: alternative, namespace: 'sets' } },
];
const mirrors = [
  { registry: 'm.example.com' },
  {
    ...{ registry: 'ghcr.io', credentialSecret: { name: 'push', namespace: 'mirrors' } },
    pullCredentialSecret: { name: 'pull', namespace: 'mirrors' },
  },
];
const everything = { imageFilter: { include: ['.+'] }, mirrors };
const sets = [
  clusterSet('s', { upstreams: upstreams('quay.io'), priority: 1 }),
  namespacedSet('apps/s', { upstreams: upstreams('ghcr.io') }),
];

function sources(mirror: KuikResource, image = 'docker.io/team/app:1', labels = {}) {
  const table = compileTable([mirror, ...sets]);
  const [compiled] = [...table.entries.values()].flatMap(({ outcome }) =>
    outcome.ok && outcome.value.type === 'mirror' ? outcome.value : [],
  );
  if (compiled === undefined) throw new Error('expected a mirror');
  const pod = { namespace: 'apps', labels, annotations: {} };
  const found = copySources(table, { mirror: compiled, image: reference(image), pod });
  return found.map((one) => [
    one.image,
    one.secrets.map(({ namespace, name }) => `${namespace}/${name}`),
  ]);
}

describe('an image is read', () => {
  test('by a cluster-scoped mirror from what cluster-scoped sets declare, with their Secrets', () => {
    expect(sources(clusterMirror('m', everything))).toEqual([
      ['docker.io/team/app:1', ['sets/hub']],
      ['quay.io/app:1', ['sets/quay.io']],
    ]);
  });

  test('by a namespaced mirror from what its namespace declares as well, with Secrets of its own', () => {
    expect(sources(namespacedMirror('apps/m', everything))).toEqual([
      ['docker.io/team/app:1', []],
      ['ghcr.io/app:1', ['apps/pull']],
      ['quay.io/app:1', []],
    ]);
  });

  test('by a mirror of another namespace from nothing that this one declares', () => {
    const found = sources(namespacedMirror('other/m', everything));
    expect(found.map(([image]) => image)).not.toContain('ghcr.io/app:1');
  });

  test('from itself alone where no set is about it', () => {
    expect(sources(clusterMirror('m', everything), 'nginx:1')).toEqual([
      ['docker.io/library/nginx:1', []],
    ]);
  });
});

test('of a shared copy the equivalents are those that all take for the same', () => {
  const source = (image: string): CopySource => ({
    image,
    reference: reference(image),
    secrets: [],
  });
  const [own, quay, ghcr] = ['docker.io/a/b:1', 'quay.io/a/b:1', 'ghcr.io/a/b:1'].map(source) as [
    CopySource,
    CopySource,
    CopySource,
  ];
  expect(commonSources([own, quay, ghcr], [[own, ghcr]])).toEqual([own, ghcr]);
  expect(commonSources([own, quay], [])).toEqual([own, quay]);
  expect(commonSources([own, quay], [[quay]])).toEqual([own, quay]);
});
