import { expect, test } from 'vitest';
import { isOurCopy } from '#actors/secrets/read-secret.ts';
import { ownerUidLabel } from '#actors/secrets/secret-copy.ts';

const name = 'kuik-pull-0123456789abcdef';
const labels = { [ownerUidLabel]: 'u' };

test.each([
  ['with name, label and owner', { name, labels, ownerReferences: [{ uid: 'u' }] }, true],
  ['of kuik v2, which gave it no owner', { name, labels }, true],
  ['with another name', { name: 'mine', labels }, false],
  ['with a hash that is none', { name: 'kuik-pull-xyz', labels }, false],
  ['without the label', { name, ownerReferences: [{ uid: 'u' }] }, false],
  ['of another owner', { name, labels, ownerReferences: [{ uid: 'other' }] }, false],
])('a Secret %s is a copy of ours: %#', (_, metadata, expected) => {
  expect(isOurCopy({ metadata })).toBe(expected);
});
