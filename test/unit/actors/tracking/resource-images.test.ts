import { expect, test } from 'vitest';
import { ResourceImages } from '#actors/tracking/resource-images.ts';
import { parseReference } from '#core/image/reference.ts';

function referenceOf(image: string) {
  const parsed = parseReference(image);
  if (!parsed.ok) throw new Error(parsed.error.message);
  return parsed.value;
}

test('how many images each registry has is kept up with what comes and goes', () => {
  const images = new ResourceImages();
  for (const image of ['quay.io/a/one:1', 'quay.io/a/two:1', 'docker.io/library/nginx:1']) {
    images.add(image, referenceOf(image), 'pods');
  }
  // Once more is not one more.
  images.add('quay.io/a/one:1', referenceOf('quay.io/a/one:1'), 'status');
  expect(Object.fromEntries(images.counts())).toEqual({ 'quay.io': 2, 'docker.io': 1 });
  images.delete('docker.io/library/nginx:1');
  images.delete('docker.io/library/nginx:1');
  images.delete('quay.io/a/two:1');
  expect(Object.fromEntries(images.counts())).toEqual({ 'quay.io': 1 });
  expect([...images.names()]).toEqual(['quay.io/a/one:1']);
});

test('an image without a Pod keeps the pull secrets of the last, where anybody knows them', () => {
  const images = new ResourceImages();
  images.add('quay.io/a/one:1', referenceOf('quay.io/a/one:1'), 'status');
  expect(images.get('quay.io/a/one:1')).toMatchObject({ pullSecrets: [], hasUnknownSecrets: true });
  images.use('quay.io/a/one:1', ['apps/pull']);
  const known = { pullSecrets: ['apps/pull'], hasUnknownSecrets: false };
  expect(images.get('quay.io/a/one:1')).toMatchObject(known);
  images.delete('quay.io/a/one:1');
  images.use('quay.io/a/one:1', ['apps/pull']);
  expect(images.has('quay.io/a/one:1')).toBe(false);
});
