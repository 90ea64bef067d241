import { describe, expect, test } from 'vitest';
import { isCandidateOf } from '#core/routing/is-candidate-of.ts';
import { compileTable } from '#core/routing/table.ts';
import {
  clusterMirror,
  clusterSet,
  namespacedMirror,
  namespacedSet,
  reference,
} from '#test/support/routing/resources.ts';

const nothing = { include: ['never'] };
const elsewhere = { include: ['elsewhere'] };

const table = compileTable([
  clusterSet('equal', {
    namespaceFilter: elsewhere,
    upstreams: [
      { registry: 'quay.io', path: '/team', imageFilter: nothing },
      { registry: 'ghcr.io', path: '/other' },
      { registry: 'docker.io', discardAlternative: true, imageFilter: nothing },
    ],
  }),
  clusterMirror('all', {
    imageFilter: nothing,
    mirrors: [{ registry: 'harbor.example.com', path: '/m' }],
  }),
  namespacedMirror('a/own', {
    imageFilter: nothing,
    mirrors: [{ registry: 'a.example.com' }],
  }),
  namespacedSet('a/own', {
    upstreams: [
      { registry: 'quay.io', path: '/a', imageFilter: nothing },
      { registry: 'copies.example.com', path: '/b' },
    ],
  }),
]);

const isOne = (image: string, original: string, namespace = 'a') =>
  isCandidateOf(table, { image: reference(image), original: reference(original), namespace });

describe('an image is a candidate of an original, whatever filters say,', () => {
  test.each([
    ['the original itself', 'quay.io/team/app:1', 'quay.io/team/app:1'],
    ['another upstream', 'ghcr.io/other/app:1', 'quay.io/team/app:1'],
    ['an upstream that is discarded by now', 'docker.io/app/x:1', 'quay.io/team/app/x:1'],
    ['its copy on a mirror', 'harbor.example.com/m/team/app:1', 'quay.io/team/app:1'],
    ['the copy of an equivalent', 'harbor.example.com/m/other/app:1', 'quay.io/team/app:1'],
    ['its copy on a mirror of the namespace', 'a.example.com/team/app:1', 'quay.io/team/app:1'],
    ['what a set of the namespace says', 'copies.example.com/b/app', 'quay.io/a/app'],
  ])('where it is %s', (_, image, original) => {
    expect(isOne(image, original)).toBe(true);
  });
});

describe('an image is no candidate', () => {
  test.each([
    ['with another tag', 'ghcr.io/other/app:2', 'quay.io/team/app:1'],
    ['where one of both has no tag', 'ghcr.io/other/app', 'quay.io/team/app:latest'],
    ['at a place that nobody declares', 'evil.example.com/team/app:1', 'quay.io/team/app:1'],
    ['with another path on a mirror', 'harbor.example.com/m/x:1', 'quay.io/team/app:1'],
    ['beside the prefix of a mirror', 'harbor.example.com/mm/team/app:1', 'quay.io/team/app:1'],
    ['beside the path of an upstream', 'ghcr.io/others/app:1', 'quay.io/team/app:1'],
    [
      'of what lies on the mirror already',
      'harbor.example.com/m/m/app:1',
      'harbor.example.com/m/app:1',
    ],
  ])('%s', (_, image, original) => {
    expect(isOne(image, original)).toBe(false);
  });

  test("by what another namespace's resources declare", () => {
    expect(isOne('a.example.com/team/app:1', 'quay.io/team/app:1', 'b')).toBe(false);
    expect(isOne('copies.example.com/b/app', 'quay.io/a/app', 'b')).toBe(false);
  });
});
