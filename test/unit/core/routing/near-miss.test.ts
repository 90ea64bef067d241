import { expect, test } from 'vitest';
import type { KuikResource } from '#api/kinds.ts';
import { formatReference } from '#core/image/reference.ts';
import { type NearMiss, nearer, nearMiss } from '#core/routing/near-miss.ts';
import { compileTable } from '#core/routing/table.ts';
import {
  clusterMirror,
  clusterSet,
  namespacedMirror,
  reference,
} from '#test/support/routing/resources.ts';

/** What leaves the image of a Pod in `shop` out of the resource. */
function missOf(resource: KuikResource, image: string, namespace = 'shop') {
  const [entry] = compileTable([resource]).entries.values();
  if (entry?.outcome.ok !== true) throw new Error('The resource does not compile.');
  const parsed = reference(image);
  const named = { reference: parsed, text: formatReference(parsed) };
  const pod = { namespace, labels: { app: 'web' }, annotations: {} };
  return nearMiss({ resource, compiled: entry.outcome.value }, named, pod);
}

const entry = [{ registry: 'mirror.example.com', path: '/copies' }];
const cisa = (spec: object): KuikResource => ({
  apiVersion: 'kuik.enix.io/v1alpha1',
  kind: 'ClusterImageSetAvailability',
  metadata: { name: 'all', uid: 'all' },
  spec,
});
const set = (path: string, imageFilter: { include: string[] }, more = {}) =>
  clusterSet('thanos', {
    upstreams: [{ registry: 'docker.io', path, imageFilter }, { registry: 'quay.io' }],
    ...more,
  });

test.each([
  ['only contains a match', cisa({ imageFilter: { include: ['nginx:.+'] } }), 'imageFilter'],
  [
    'only contains a match of a mirror',
    clusterMirror('all', { mirrors: entry, filter: { include: [{ image: 'nginx:.+' }] } }),
    'filter',
  ],
  ['lies beside the path', set('/nginx', { include: ['/nginx:.+'] }), 'path'],
  ['is beside the filter', set('/library', { include: ['/nginx:.+'] }), 'imageFilter'],
  [
    'is excluded',
    cisa({ imageFilter: { include: ['.+'], exclude: ['.+/nginx:.+'] } }),
    'imageFilter',
  ],
  [
    'is of a namespace that is left out',
    cisa({ imageFilter: { include: ['.+'] }, namespaceFilter: { include: ['prod-.+'] } }),
    'namespaceFilter',
  ],
  [
    'is of a Pod that is left out',
    set('/library', { include: ['.+'] }, { podFilter: { labels: { include: ['app=api'] } } }),
    'podFilter',
  ],
  [
    'is of a Pod that the unified filter leaves out',
    set('/library', { include: ['.+'] }, { filter: { include: [{ label: 'app=api' }] } }),
    'filter',
  ],
])('an image that %s is a near miss of %o by its field', (_, resource, field) => {
  expect(missOf(resource, 'nginx:1.27')).toMatchObject({
    ...{ image: 'docker.io/library/nginx:1.27', field },
    message: expect.stringContaining('docker.io/library/nginx:1.27'),
  });
});

test('the official image of Docker Hub is said where it is', () => {
  const miss = missOf(set('/nginx', { include: ['/nginx:.+'] }), 'nginx:1.27');
  expect(miss?.message).toContain('on docker.io it is /library/nginx');
});

test.each([
  ['one that matches', cisa({ imageFilter: { include: ['.+'] } })],
  ['another image', cisa({ imageFilter: { include: ['redis:.+'] } })],
  [
    'another registry',
    clusterSet('ghcr', {
      upstreams: [
        { registry: 'ghcr.io', imageFilter: { include: ['.+'] } },
        { registry: 'quay.io' },
      ],
    }),
  ],
  ['what matches nothing at all', cisa({})],
  [
    "another namespace's resource",
    namespacedMirror('team/all', { mirrors: entry, imageFilter: { include: ['.+'] } }),
  ],
])('%s is no near miss', (_, resource) => {
  expect(missOf(resource, 'nginx:1.27')).toBeUndefined();
});

test('the nearest of several is the one of which most matches, of equals the first by name', () => {
  const miss = (image: string, closeness: number) =>
    ({ image, field: 'path', message: '', closeness }) as const;
  const all = [miss('b', 1), miss('c', 3), miss('a', 3), miss('d', 2)];
  expect(all.reduce<NearMiss | undefined>(nearer, undefined)).toEqual(miss('a', 3));
});

test('to search is counted as to match is: what takes too long says nothing', () => {
  const image = `quay.io/${'abc'.repeat(80)}:1`;
  const slow = Array.from({ length: 15 }, (_, index) => `${index}?(a?b?c?){1000}x`);
  const missOfAll = (include: readonly string[]) =>
    missOf(cisa({ imageFilter: { include } }), image);
  // Whoever asks fewer finds out that the image has a part that matches.
  expect(missOfAll(['abc'])).toMatchObject({ field: 'imageFilter' });
  expect(missOfAll([...slow, 'abc'])).toBeUndefined();
});
