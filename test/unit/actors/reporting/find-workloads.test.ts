import { expect, test } from 'vitest';
import { findWorkloads } from '#actors/reporting/find-workloads.ts';
import { createTrackedImages, manyTracked } from '#test/support/monitoring/tracked-images.ts';
import { workloadsAtRisk } from '#test/support/monitoring/workloads-at-risk.ts';
import { slowly } from '#test/support/status/listed-images.ts';

/** Every image is lost, and each is of a Pod of its own; both take time to be come to. */
function everythingLost(images: number, eachMs = 0) {
  const tracked = createTrackedImages();
  tracked.takeTime(eachMs);
  const lost = manyTracked(images).map(({ unusedSinceMs: _, ...image }) => {
    return { ...image, status: 'NotFound' as const };
  });
  tracked.put(...lost);
  const pods = lost.map(({ image }, index) => ({
    ...{ namespace: index % 2 === 0 ? 'even' : 'odd', name: `pod-${index}`, phase: 'Running' },
    ...{ labels: {}, annotations: {}, images: { app: image } },
  }));
  const scopes = [{ name: 'all', matchesPod: () => true }];
  return { tracked, pods: slowly(pods, eachMs), scopes };
}

test('workloads at risk are found a slice in a turn, and are the same as found at once', async () => {
  const images = 640;
  const state = everythingLost(images, 0.25);
  let turns = 0;
  let timer = setImmediate(function count() {
    turns += 1;
    timer = setImmediate(count);
  });
  const found = await findWorkloads(state);
  clearImmediate(timer);
  // After 4 ms, and so after 32 images at most, others have their turn; after 32 Pods as well.
  expect(turns).toBeGreaterThan(30);
  expect(found).toHaveLength(images);
  expect(found).toEqual(workloadsAtRisk(state));
});

test('of one namespace are those of its Pods', async () => {
  const found = await findWorkloads(everythingLost(20_000), 'odd');
  expect(found).toHaveLength(10_000);
  expect(new Set(found.map(({ namespace }) => namespace))).toEqual(new Set(['odd']));
});
