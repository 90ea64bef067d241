import { describe, expect, test } from 'vitest';
import { makeSecretCopy, secretCopyName } from '#actors/secret-copy.ts';

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
