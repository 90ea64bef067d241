import { describe, expect, test } from 'vitest';
import { knowsCredentials, missingCredentials } from '#core/routing/missing-credentials.ts';
import type { SecretAnswer } from '#core/secret.ts';
import { clusterSet } from '#test/support/routing/resources.ts';

const hub = clusterSet('hub', {
  upstreams: [
    { registry: 'ghcr.io', path: '/team', credentialSecret: { namespace: 'ns', name: 'pull' } },
  ],
});
const dockerConfig = 'kubernetes.io/dockerconfigjson';
const entry = { username: 'a', password: 'b' };

function found(auths: object | string, type = dockerConfig, isCopy = false): SecretAnswer {
  const text = typeof auths === 'string' ? auths : JSON.stringify({ auths });
  const data = { '.dockerconfigjson': text };
  return { kind: 'found', isCopy, secret: { namespace: 'ns', name: 'pull', type, data } };
}

describe('a resource whose Secret', () => {
  test.each<[string, SecretAnswer | undefined, string | undefined]>([
    ['opens its entry is right', found({ 'ghcr.io': entry }), undefined],
    ['opens a part of its entry is right', found({ 'ghcr.io/team/app': entry }), undefined],
    ['was not looked for is told nothing', undefined, undefined],
    [
      'could not be read for a moment is told nothing',
      { kind: 'unreadable', message: 'away', mayPass: true },
      undefined,
    ],
    [
      'may not be read is told so',
      { kind: 'unreadable', message: 'kuik has no right', mayPass: false },
      'was not read: kuik has no right',
    ],
    ['is missing is told which field and which Secret', { kind: 'missing' }, 'does not exist'],
    [
      'opens other registries only is told which it must open',
      found({ 'quay.io': entry }),
      'holds no credential for ghcr.io/team',
    ],
    [
      'opens another path only is told so',
      found({ 'ghcr.io/other': entry }),
      'holds no credential for ghcr.io/team',
    ],
    [
      'holds an empty entry is told so',
      found({ 'ghcr.io': {} }),
      'holds no credential for ghcr.io/team',
    ],
    [
      'is broken is told how, and nothing of what is in it',
      found('{"password":"hunter2"'),
      'holds no credential for ghcr.io/team (Secret ns/pull: expected JSON)',
    ],
    [
      'is of another type is told which is expected',
      found({ 'ghcr.io': entry }, 'Opaque'),
      'holds no credential for ghcr.io/team (expected type kubernetes.io/dockerconfigjson or kubernetes.io/dockercfg, got Opaque)',
    ],
    [
      'is a copy is told that it is no source',
      found({ 'ghcr.io': entry }, dockerConfig, true),
      'is a copy that kuik made, and no source of copies',
    ],
  ])('%s', (_, known, trouble) => {
    const field = 'spec.upstreams[0].credentialSecret';
    const expected =
      trouble === undefined
        ? []
        : [{ reason: 'CredentialsMissing', message: `${field}: Secret ns/pull ${trouble}` }];
    expect(missingCredentials(hub, () => known)).toEqual(expected);
  });
});

test('a resource is judged when all its Secrets are known', () => {
  expect(knowsCredentials(hub, () => undefined)).toBe(false);
  expect(knowsCredentials(hub, () => ({ kind: 'missing' }))).toBe(true);
  expect(knowsCredentials(clusterSet('bare', { upstreams: [] }), () => undefined)).toBe(true);
});
