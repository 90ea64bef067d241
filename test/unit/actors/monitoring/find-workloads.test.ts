import { expect, test } from 'vitest';
import { findWorkloads } from '#actors/monitoring/find-workloads.ts';
import { createTrackedImages, manyTracked } from '#test/support/tracked-images.ts';
import { workloadsAtRisk } from '#test/support/workloads-at-risk.ts';

const images = 20_000;

/** Every image is lost, and each is of a Pod of its own. */
function everythingLost() {
  const tracked = createTrackedImages();
  const lost = manyTracked(images).map(({ unusedSinceMs: _, ...image }) => {
    return { ...image, status: 'NotFound' as const };
  });
  tracked.put(...lost);
  const pods = lost.map(({ image }, index) => ({
    ...{ namespace: index % 2 === 0 ? 'even' : 'odd', name: `pod-${index}`, phase: 'Running' },
    ...{ labels: {}, annotations: {}, images: { app: image } },
  }));
  return { tracked, pods, scopes: [{ name: 'all', matchesPod: () => true }] };
}

test('workloads at risk are found a slice in a turn, and are the same as found at once', async () => {
  const state = everythingLost();
  let turns = 0;
  let timer = setImmediate(function count() {
    turns += 1;
    timer = setImmediate(count);
  });
  const found = await findWorkloads(state);
  clearImmediate(timer);
  expect(turns).toBeGreaterThan(50);
  expect(found).toHaveLength(images);
  expect(found).toEqual(workloadsAtRisk(state));
});

test('of one namespace are those of its Pods', async () => {
  const found = await findWorkloads(everythingLost(), 'odd');
  expect(found).toHaveLength(images / 2);
  expect(new Set(found.map(({ namespace }) => namespace))).toEqual(new Set(['odd']));
});
