import { expect, onTestFinished, test } from 'vitest';
import { createActor } from 'xstate';
import { tellAvailabilityLogic } from '#actors/reporting/availability-events.ts';
import type { EventNote } from '#kube/events.ts';
import { turns } from '#test/support/monitoring/monitoring-stage.ts';
import { createTrackedImages, tracked } from '#test/support/monitoring/tracked-images.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

const app = 'quay.io/team/app:1';
const wrong = tracked(app, { status: 'NotFound', lastError: 'manifest unknown' });

function stage() {
  const images = createTrackedImages();
  const clock = createSimulatedTimerHeap();
  const told: EventNote[] = [];
  let uid: string | undefined = 'some-uid';
  const lead = () => {
    const logic = tellAvailabilityLogic({
      ...{ tracked: images, clock, uidOf: () => uid },
      events: { record: (note) => void told.push(note), close: () => undefined },
    });
    const actor = createActor(logic).start();
    onTestFinished(() => void actor.stop());
    return actor;
  };
  return { images, clock, told, lead, remove: () => (uid = undefined) };
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
  const first = lead();
  images.put(tracked('quay.io/team/other:1'));
  clock.advance(1_000);
  await turns();
  first.stop();
  images.put(tracked(app, { status: 'Unreachable' }));
  lead();
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
