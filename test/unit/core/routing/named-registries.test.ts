import { expect, test } from 'vitest';
import { namedRegistries } from '#core/routing/named-registries.ts';
import { compileTable } from '#core/routing/table.ts';
import { clusterSet, namespacedSet } from '#test/support/routing/resources.ts';

test('the registries that cluster-scoped sets name, and no others', () => {
  const upstreams = (...registries: string[]) => ({
    upstreams: registries.map((registry) => ({ registry })),
  });
  const table = compileTable([
    clusterSet('shared', upstreams('docker.io', 'Mirror.Example.com:443')),
    namespacedSet('own', upstreams('made-up.example.com')),
  ]);
  expect([...namedRegistries(table)]).toEqual(['docker.io', 'mirror.example.com']);
});
