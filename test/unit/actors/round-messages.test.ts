import { expect, test } from 'vitest';
import { roundMessages } from '#actors/round-messages.ts';
import { clusterSet } from '#test/support/resources.ts';
import { createSimulatedWakeHeap } from '#test/support/simulated-wake.ts';
import { createTrackedImages, tracked } from '#test/support/tracked-images.ts';

test('a resource that monitors says how long a round takes, and tells only of another answer', () => {
  const images = createTrackedImages();
  const wake = createSimulatedWakeHeap();
  const counts = new Map<string, number>();
  const messages = roundMessages({
    ...{ tracked: images, wake, countsOf: () => counts, isPlanned: () => true },
    paceOf: () => ({ intervalMs: 3_600_000, maxPerInterval: 6 }),
  });
  const kind = 'ClusterImageSetAvailability' as const;
  const resource = {
    apiVersion: 'kuik.enix.io/v1alpha1' as const,
    kind,
    metadata: { name: 'all' },
  };
  let news = 0;
  const unsubscribe = messages.subscribe(() => {
    news += 1;
  });
  expect(messages.readyMessage(resource)).toBeUndefined();
  const change = (count: number) => {
    counts.set('docker.io', count);
    images.put(tracked('docker.io/library/nginx:1'));
    wake.advance(5_000);
    return news;
  };
  expect(change(500)).toBe(1);
  expect(messages.readyMessage(resource)).toBe(
    'One full round of checks takes 83 h: 500 images of docker.io at 6 an hour.',
  );
  expect(change(500)).toBe(1);
  expect(change(600)).toBe(2);
  expect(messages.readyMessage(clusterSet('set', {}))).toBeUndefined();
  unsubscribe();
  expect(change(700)).toBe(2);
});

test('nothing is said of a resource before it is planned by its present spec, and then at once', () => {
  const images = createTrackedImages('all');
  let isPlanned = false;
  const messages = roundMessages({
    ...{ tracked: images, wake: createSimulatedWakeHeap(), countsOf: () => new Map() },
    ...{ paceOf: () => ({ intervalMs: 1, maxPerInterval: 1 }), isPlanned: () => isPlanned },
  });
  const resource = {
    ...{ apiVersion: 'kuik.enix.io/v1alpha1' as const, metadata: { name: 'all' } },
    kind: 'ClusterImageSetAvailability' as const,
  };
  let news = 0;
  const unsubscribe = messages.subscribe(() => {
    news += 1;
  });
  expect(messages.isKnown(resource)).toBe(false);
  expect(messages.isKnown(clusterSet('set', {}))).toBe(true);
  images.put(tracked('docker.io/library/nginx:1'));
  expect(news).toBe(0);
  isPlanned = true;
  images.put(tracked('docker.io/library/nginx:1'));
  expect(news).toBe(1);
  images.put(tracked('docker.io/library/nginx:2'));
  expect(news).toBe(1);
  expect(messages.isKnown(resource)).toBe(true);
  unsubscribe();
});
