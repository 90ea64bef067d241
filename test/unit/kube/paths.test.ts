import { describe, expect, test } from 'vitest';
import { isObjectPath, resourcePath } from '#kube/paths.ts';

const secret = (name: string, namespace = 'team') =>
  resourcePath({ group: '', version: 'v1', plural: 'secrets', namespace, name });

describe('a path of the API server', () => {
  test.each([
    secret('pull'),
    secret('kuik-pull-0123456789abcdef'),
    secret('a.b-c.d'),
    secret('x'.repeat(253)),
    '/api/v1/pods',
    '/apis/kuik.enix.io/v1alpha1/imagesetmirrors',
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/imagesetmirrors.kuik.enix.io',
    '/apis',
    '/version',
  ])('%s can lead somewhere', (path) => {
    expect(isObjectPath(path)).toBe(true);
  });

  test.each([
    '.',
    '..',
    '...',
    '',
    'a/b',
    '../../../../version',
    '%2e%2e',
    'a%2Fb',
    'a?watch=true',
    'a#b',
    'a b',
    'a\\b',
    'a\nb',
    'Pull',
    'pull_secret',
    '-pull',
    'pull-',
    'a..b',
    'ä',
    'x'.repeat(254),
  ])('no object is called %j, so none is asked for', (name) => {
    expect(isObjectPath(secret(name))).toBe(false);
    expect(isObjectPath(secret('pull', name))).toBe(false);
  });

  test.each(['.', '..', '', '%2e%2e', '%2E', '..%2f..', 'a?watch=true', 'a#b', '..\\x'])(
    'nor does %j lead anywhere where a path was put together without care',
    (name) => {
      expect(isObjectPath(`/api/v1/namespaces/team/secrets/${name}`)).toBe(false);
    },
  );

  test.each(['', 'api/v1/pods', '//api/v1/pods', '/api/v1/pods/', '/api//pods', 'https://other/x'])(
    'nor is %j a path',
    (path) => {
      expect(isObjectPath(path)).toBe(false);
    },
  );
});
