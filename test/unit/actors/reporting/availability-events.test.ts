import { expect, test } from 'vitest';
import { addAvailabilityEvents } from '#actors/reporting/availability-events.ts';
import type { EventNote } from '#kube/events.ts';
import { createTrackedImages, tracked } from '#test/support/monitoring/tracked-images.ts';
import { startLeading } from '#test/support/time/leading-system.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';
import { turns } from '#test/support/time/turns.ts';

const app = 'quay.io/team/app:1';
const wrong = tracked(app, { status: 'NotFound', lastError: 'manifest unknown' });

function stage() {
  const images = createTrackedImages();
  const runtime = createTestRuntime();
  const told: EventNote[] = [];
  const owner = {
    ...{ apiVersion: 'kuik.enix.io/v1alpha1', kind: 'ClusterImageSetAvailability' as const },
    ...{ name: 'all', uid: 'some-uid' },
  };
  let isThere = true;
  const lead = () =>
    startLeading(runtime, (system) =>
      addAvailabilityEvents(system, {
        ...{ tracked: images, ownerOf: () => (isThere ? owner : undefined) },
        events: { record: (note) => void told.push(note) },
      }),
    );
  return { images, clock: runtime.clock, told, lead, remove: () => (isThere = false) };
}

test('an image in use that is lost and comes back is told on its resource, once each', async () => {
  const { images, clock, told, lead } = stage();
  images.put(tracked(app));
  lead();
  for (const image of [wrong, wrong, wrong]) images.put(image);
  clock.advance(1_000);
  await turns();
  images.put(wrong);
  clock.advance(60_000);
  await turns();
  expect(told).toEqual([
    {
      regarding: {
        apiVersion: 'kuik.enix.io/v1alpha1',
        kind: 'ClusterImageSetAvailability',
        ...{ name: 'all', uid: 'some-uid' },
      },
      ...{ type: 'Warning', reason: 'ImageUnavailable', action: 'Check' },
      note: 'quay.io/team/app:1 is NotFound: manifest unknown.',
    },
  ]);
  images.put(tracked(app));
  clock.advance(1_000);
  await turns();
  expect(told.slice(1)).toMatchObject([{ type: 'Normal', reason: 'ImageAvailable' }]);
});

test('what the last leader has told is not told again', async () => {
  const { images, clock, told, lead } = stage();
  images.put(wrong);
  const system = lead();
  images.put(tracked('quay.io/team/other:1'));
  clock.advance(1_000);
  await turns();
  system.follow();
  images.put(tracked(app, { status: 'Unreachable' }));
  system.lead({ unrecordedUntilMs: undefined });
  clock.advance(60_000);
  await turns();
  expect(told).toEqual([]);
});

test('nothing is told of a resource that is gone', async () => {
  const { images, clock, told, lead, remove } = stage();
  images.put(tracked(app));
  lead();
  remove();
  images.put(wrong);
  clock.advance(1_000);
  await turns();
  expect(told).toEqual([]);
});
