import { expect, test } from 'vitest';
import { settleImages } from '#actors/reported-images.ts';
import { createTrackedImages, manyTracked, tracked } from '#test/support/tracked-images.ts';

test('images that are settled stay as they were, however many there are', async () => {
  const held = createTrackedImages('empty');
  held.put(...manyTracked(5_000));
  const settled = await settleImages(held);
  held.put(tracked('docker.io/library/new:1'));
  held.tearDown('empty');
  expect(settled.resources()).toEqual(['empty', 'all']);
  expect([...settled.imagesOf('all')]).toHaveLength(5_000);
  expect([...settled.imagesOf('empty')]).toEqual([]);
  expect([...settled.imagesOf('unknown')]).toEqual([]);
});
