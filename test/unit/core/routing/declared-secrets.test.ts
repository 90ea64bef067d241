import { expect, test } from 'vitest';
import { declaredSecrets, lentLocations } from '#core/routing/declared-secrets.ts';
import { compileTable } from '#core/routing/table.ts';
import {
  clusterMirror,
  clusterSet,
  namespacedMirror,
  namespacedSet,
} from '#test/support/routing/resources.ts';

const told = (resource: Parameters<typeof declaredSecrets>[0]) =>
  declaredSecrets(resource).map(
    ({ field, secret, lent }) =>
      `${field} ${secret.namespace}/${secret.name} ${lent ? 'lent' : 'kept'}`,
  );

test('a set lends the Secrets of its upstreams, each from the namespace that is named', () => {
  const credentialSecret = { namespace: 'kuik-system', name: 'pull' };
  const upstreams = [
    { registry: 'a.example.com' },
    { registry: 'b.example.com', credentialSecret },
  ];
  const field = 'spec.upstreams[1].credentialSecret';
  expect(told(clusterSet('hub', { upstreams }))).toEqual([`${field} kuik-system/pull lent`]);
  // A namespaced one has no say in which namespace.
  expect(told(namespacedSet('apps/hub', { upstreams }))).toEqual([`${field} apps/pull lent`]);
});

test('what a mirror pushes with is lent only where nothing else is there to pull with', () => {
  const mirrors = [
    { registry: 'a.example.com', credentialSecret: { name: 'both' } },
    {
      registry: 'b.example.com',
      credentialSecret: { name: 'push' },
      pullCredentialSecret: { name: 'pull' },
    },
  ];
  expect(told(namespacedMirror('apps/copies', { mirrors }))).toEqual([
    'spec.mirrors[0].credentialSecret apps/both lent',
    'spec.mirrors[1].credentialSecret apps/push kept',
    'spec.mirrors[1].pullCredentialSecret apps/pull lent',
  ]);
});

test('a cluster-scoped entry without a namespace names no Secret', () => {
  const upstreams = [{ registry: 'a.example.com', credentialSecret: { name: 'pull' } }];
  expect(told(clusterSet('hub', { upstreams }))).toEqual([]);
});

test('a resource that is left out for a mistake still names its Secrets, and lends nothing', () => {
  const credentialSecret = { namespace: 'kuik-system', name: 'pull' };
  const hub = clusterSet('hub', {
    podFilter: { labels: { include: ['a in ('] } },
    upstreams: [{ registry: 'a.example.com', credentialSecret }],
  });
  expect(told(hub)).toHaveLength(1);
  const table = compileTable([hub]);
  expect(lentLocations(table.find('ClusterReplicatedImageSet/hub'), credentialSecret)).toEqual([]);
});

test('one copy serves all entries of a resource that name the Secret, and no others', () => {
  const credentialSecret = { namespace: 'kuik-system', name: 'pull' };
  const table = compileTable([
    clusterMirror('copies', {
      imageFilter: { include: ['.*'] },
      mirrors: [
        { registry: 'a.example.com', path: '/x', credentialSecret },
        { registry: 'b.example.com', credentialSecret: { ...credentialSecret, name: 'other' } },
        { registry: 'c.example.com', credentialSecret },
      ],
    }),
  ]);
  const copies = table.find('ClusterImageSetMirror/copies');
  expect(lentLocations(copies, credentialSecret)).toEqual([
    { registry: 'a.example.com', path: 'x' },
    { registry: 'c.example.com', path: '' },
  ]);
});
