import { describe, expect, test } from 'vitest';
import { makeSecretCopy, reduceSecret, secretCopyName } from '#actors/secrets/secret-copy.ts';

const owner = {
  kind: 'ClusterReplicatedImageSet',
  name: 'hub',
  uid: '6ad1b5b0-7c3d-4f0e-9d7e-0f5f3f2f1a10',
};

/** What the API server takes for the name of an object. */
const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

describe('the copy of a Secret', () => {
  test('is named after its source, with a hash of where that is and whose the copy is', async () => {
    const name = await secretCopyName({ namespace: 'kuik-system', name: 'pull' }, owner);
    expect(name).toMatch(/^kuik-pull-[0-9a-f]{16}$/);
    const elsewhere = await secretCopyName({ namespace: 'other', name: 'pull' }, owner);
    const other = await secretCopyName(
      { namespace: 'kuik-system', name: 'pull' },
      { ...owner, uid: 'another' },
    );
    expect(new Set([name, elsewhere, other]).size).toBe(3);
  });

  test('hashes as kuik v2 does: xxhash64 of <namespace>/<uid> with seed 0, all 16 digits', async () => {
    // Published test vectors of XXH64: the empty text, and "a".
    const { default: xxhash } = await import('xxhash-wasm');
    const { h64ToString } = await xxhash();
    expect([h64ToString(''), h64ToString('a')]).toEqual(['ef46db3751d8e999', 'd24ec4f1a98c6e5b']);
    const name = await secretCopyName({ namespace: 'ns', name: 'pull' }, { ...owner, uid: 'uid' });
    expect(name).toBe(`kuik-pull-${h64ToString('ns/uid')}`);
  });

  test.each([231, 232, 253])(
    'has a name that fits for a source of %i characters',
    async (length) => {
      const source = { namespace: 'ns', name: 'a'.repeat(length) };
      const name = await secretCopyName(source, owner);
      expect(name.length).toBe(253);
      expect(name).toMatch(subdomain);
    },
  );

  test('has a name that is valid where the cut falls behind a dot', async () => {
    const source = { namespace: 'ns', name: `${'a'.repeat(230)}.${'b'.repeat(20)}` };
    expect(await secretCopyName(source, owner)).toMatch(subdomain);
  });

  test('has labels that fit for owners of the longest names', async () => {
    const source = { namespace: 'ns', name: 'pull', type: 't', data: {} };
    const names = ['x'.repeat(253), `${'x'.repeat(250)}yyy`].map((name) => ({ ...owner, name }));
    const copies = await Promise.all(names.map((one) => makeSecretCopy(source, one, 'apps')));
    const labels = copies.map(({ metadata }) => metadata.labels['kuik.enix.io/owner-name'] ?? '');
    expect(labels.map(({ length }) => length)).toEqual([63, 63]);
    expect(labels[0]).not.toBe(labels[1]);
  });
});

describe('what of a Secret is copied', () => {
  const secretOf = (auths: object) => ({
    namespace: 'kuik-system',
    name: 'pull',
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': JSON.stringify({ auths, credsStore: 'desktop' }), other: 'x' },
  });
  const entry = { username: 'a', password: 'b' };
  const keysAt = (auths: readonly string[], registry: string, path = '') => {
    const secret = secretOf(Object.fromEntries(auths.map((key) => [key, entry])));
    const reduced = reduceSecret(secret, [{ registry, path }]);
    const config = JSON.parse(reduced?.data['.dockerconfigjson'] ?? '{}');
    return Object.keys(config.auths ?? {});
  };

  test('is its docker config alone, with the keys as written and nothing for other registries', () => {
    const secret = secretOf({ 'https://Harbor.example.com/v1/': entry, 'ghcr.io': entry });
    const locations = [{ registry: 'ghcr.io', path: 'team' }];
    expect(reduceSecret(secret, locations)).toEqual({
      ...secret,
      data: { '.dockerconfigjson': JSON.stringify({ auths: { 'ghcr.io': entry } }) },
    });
    const keys = ['https://harbor.example.com/v1/', 'ghcr.io'];
    expect(keysAt(keys, 'harbor.example.com')).toEqual(['https://harbor.example.com/v1/']);
  });

  test('is all that serves one of the locations: shorter and longer paths, globs, the right port', () => {
    const keys = [
      'r.example.com',
      'r.example.com/team',
      'r.example.com/team/app',
      'r.example.com/other',
      '*.example.com',
      'r.example.com:5000',
    ];
    expect(keysAt(keys, 'r.example.com', 'team')).toEqual([
      'r.example.com',
      'r.example.com/team',
      'r.example.com/team/app',
      '*.example.com',
    ]);
    expect(keysAt(keys, 'r.example.com:5000')).toEqual(['r.example.com:5000']);
  });

  test('is Docker Hub’s old key for Docker Hub, and for nobody else', () => {
    const keys = ['https://index.docker.io/v1/'];
    expect(keysAt(keys, 'docker.io', 'library')).toEqual(keys);
    expect(keysAt(keys, 'quay.io')).toEqual([]);
  });

  test('is nothing where the Secret is broken or opens none of them', () => {
    const locations = [{ registry: 'ghcr.io', path: '' }];
    expect(reduceSecret(secretOf({ 'quay.io': entry }), locations)).toBeUndefined();
    for (const text of ['', 'null', '[]', '{"auths":7}', '{']) {
      const broken = { ...secretOf({}), data: { '.dockerconfigjson': text } };
      expect(reduceSecret(broken, locations)).toBeUndefined();
    }
  });

  test('keeps the older form as it is', () => {
    const older = {
      ...secretOf({}),
      type: 'kubernetes.io/dockercfg',
      data: { '.dockercfg': JSON.stringify({ 'ghcr.io': entry, 'quay.io': entry }) },
    };
    expect(reduceSecret(older, [{ registry: 'ghcr.io', path: '' }])?.data).toEqual({
      '.dockercfg': JSON.stringify({ 'ghcr.io': entry }),
    });
  });
});
