import { describe, expect, onTestFinished, test } from 'vitest';
import { addReadyMessages, type ReadyMessagesOptions } from '#actors/reporting/ready-messages.ts';
import { createTrackedImages, tracked } from '#test/support/monitoring/tracked-images.ts';
import { clusterSet } from '#test/support/routing/resources.ts';
import { startLeading } from '#test/support/time/leading-system.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';
import { turns } from '#test/support/time/turns.ts';

/** What the writer of conditions asks, and how often it was told of news. */
function startMessages(options: ReadyMessagesOptions) {
  const runtime = createTestRuntime();
  let messages!: ReturnType<typeof addReadyMessages>;
  startLeading(runtime, (system) => {
    messages = addReadyMessages(system, options);
  });
  let news = 0;
  const unsubscribe = messages.subscribe(() => {
    news += 1;
  });
  onTestFinished(unsubscribe);
  return { clock: runtime.clock, messages, unsubscribe, news: () => news };
}

test('a resource that monitors says how long a round takes, and tells only of another answer', async () => {
  const images = createTrackedImages();
  const counts = new Map<string, number>();
  const { clock, messages, unsubscribe, news } = startMessages({
    ...{ tracked: images, pace: { countsOf: () => counts }, isPlanned: () => true },
    paceOf: () => ({ intervalMs: 3_600_000, maxPerInterval: 6 }),
  });
  const kind = 'ClusterImageSetAvailability' as const;
  const resource = {
    apiVersion: 'kuik.enix.io/v1alpha1' as const,
    kind,
    metadata: { name: 'all' },
  };
  expect(messages.readyMessage(resource)).toBeUndefined();
  const change = async (count: number) => {
    counts.set('docker.io', count);
    images.put(tracked('docker.io/library/nginx:1'));
    clock.advance(5_000);
    await turns();
    return news();
  };
  expect(await change(500)).toBe(1);
  expect(messages.readyMessage(resource)).toBe(
    'One full round of checks takes 83 h: 500 images of docker.io at 6 an hour.',
  );
  expect(await change(500)).toBe(1);
  expect(await change(600)).toBe(2);
  expect(messages.readyMessage(clusterSet('set', {}))).toBeUndefined();
  unsubscribe();
  expect(await change(700)).toBe(2);
});

describe('nothing is said of a resource', () => {
  const nginx = 'docker.io/library/nginx:1';

  function startUnplanned(isPlanned: (listed: readonly string[]) => boolean) {
    const images = createTrackedImages('all');
    const started = startMessages({
      ...{ tracked: images, pace: { countsOf: () => new Map() } },
      paceOf: () => ({ intervalMs: 1, maxPerInterval: 1 }),
      isPlanned: (_, listed = []) => isPlanned(listed),
    });
    return { images, ...started };
  }

  const resource = (observedGeneration = 1) => ({
    apiVersion: 'kuik.enix.io/v1alpha1' as const,
    kind: 'ClusterImageSetAvailability' as const,
    metadata: { name: 'all', generation: 2 },
    status: {
      conditions: [{ ...readyCondition, observedGeneration }],
      images: [{ image: nginx, status: 'Available' as const }],
    },
  });

  test('before it is planned by its present spec, and then at once', () => {
    let isPlanned = false;
    const { images, messages, news } = startUnplanned(() => isPlanned);
    expect(messages.isKnown(resource())).toBe(false);
    expect(messages.isKnown(clusterSet('set', {}))).toBe(true);
    images.put(tracked(nginx));
    expect(news()).toBe(0);
    isPlanned = true;
    images.put(tracked(nginx));
    expect(news()).toBe(1);
    expect(messages.isKnown(resource())).toBe(true);
    images.put(tracked('docker.io/library/nginx:2'));
    expect(news()).toBe(1);
  });

  test('while its status lists what a new spec has left out', () => {
    const { messages } = startUnplanned((listed) => !listed.includes(nginx));
    expect(messages.isKnown(resource())).toBe(false);
    // By this spec something may expire at any time: that holds nothing up.
    expect(messages.isKnown(resource(2))).toBe(true);
  });
});

const readyCondition = {
  ...{ type: 'Ready', status: 'True' as const, reason: 'Ready', message: '' },
  lastTransitionTime: '2026-03-01T12:00:00Z',
};
