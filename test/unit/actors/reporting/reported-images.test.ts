import { expect, onTestFinished, test } from 'vitest';
import { reportedImages } from '#actors/reporting/reported-images.ts';
import { availabilityStatus } from '#core/monitoring/availability-status.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { succeed } from '#core/result.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

const image: TrackedImage = {
  resource: 'own',
  image: 'quay.io/team/app:1',
  registry: 'quay.io',
  status: 'NotFound',
  original: true,
};

test('what this process tracks is there each time that it is gone through', async () => {
  const clock = createSimulatedTimerHeap();
  onTestFinished(clock.close);
  const view = reportedImages(clock, {
    own: {
      resources: () => ['own'],
      *imagesOf() {
        yield image;
      },
    },
    resources: () => [],
    store: { restore: async () => succeed([]), statusKind: availabilityStatus },
    nameOf: ({ metadata }) => metadata.name,
  });
  const { resources, imagesOf } = await view();
  expect(resources()).toEqual(['own']);
  expect([...imagesOf('own')]).toEqual([image]);
  expect([...imagesOf('own')]).toEqual([image]);
});
