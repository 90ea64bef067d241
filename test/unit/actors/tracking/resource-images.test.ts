import { expect, test } from 'vitest';
import { ResourceImages } from '#actors/tracking/resource-images.ts';
import { parseReference } from '#core/image/reference.ts';

test('how many images each registry has is kept up with what comes and goes', () => {
  const images = new ResourceImages({ find: () => undefined }, 'all', () => false);
  const add = (image: string) => {
    const parsed = parseReference(image);
    if (!parsed.ok) throw new Error(parsed.error.message);
    return images.add(parsed.value, { image, status: 'Scheduled', original: true });
  };
  for (const image of ['quay.io/a/one:1', 'quay.io/a/two:1', 'docker.io/library/nginx:1']) {
    add(image);
  }
  // Once more is not one more.
  add('quay.io/a/one:1');
  expect(Object.fromEntries(images.counts())).toEqual({ 'quay.io': 2, 'docker.io': 1 });
  images.remove('docker.io/library/nginx:1');
  images.remove('docker.io/library/nginx:1');
  images.remove('quay.io/a/two:1');
  expect(Object.fromEntries(images.counts())).toEqual({ 'quay.io': 1 });
  expect([...images.names()]).toEqual(['quay.io/a/one:1']);
});
