import { describe, expect, test } from 'vitest';
import { createAvailabilityNoter, type Unavailable } from '#core/monitoring/availability-notes.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { someTimeMs, tracked } from '#test/support/monitoring/tracked-images.ts';

const app = 'quay.io/team/app:1';
const wrong = (given: Partial<TrackedImage> = {}) =>
  tracked(app, { status: 'NotFound', lastError: 'manifest unknown.', ...given });
const nothing = new Map();
const known = new Map([[app, 'NotFound' as const]]);

function noteAvailability(images: readonly TrackedImage[], before: Unavailable | undefined) {
  const noter = createAvailabilityNoter(before);
  for (const image of images) noter.add(image);
  return noter.finish();
}

describe('an event', () => {
  test('says that an image in use became unavailable, and why', () => {
    expect(noteAvailability([wrong()], nothing)).toEqual({
      unavailable: known,
      notes: [
        {
          ...{ type: 'Warning', reason: 'ImageUnavailable' },
          note: 'quay.io/team/app:1 is NotFound: manifest unknown.',
        },
      ],
    });
  });

  test('says that it is back', () => {
    const { notes, unavailable } = noteAvailability([tracked(app)], known);
    expect(notes).toEqual([
      { type: 'Normal', reason: 'ImageAvailable', note: 'quay.io/team/app:1 is Available again.' },
    ]);
    expect(unavailable.size).toBe(0);
  });

  test.each<[string, readonly TrackedImage[], ReadonlyMap<string, 'NotFound'> | undefined]>([
    ['what is known already', [wrong()], known],
    ['another reason than before', [wrong({ status: 'Unreachable' })], known],
    ['an image that nobody uses', [wrong({ unusedSinceMs: someTimeMs })], nothing],
    ['one that nobody uses any more', [wrong({ unusedSinceMs: someTimeMs })], known],
    ['one that is gone', [], known],
    ['one that was never checked', [wrong({ status: 'Scheduled' })], nothing],
    ['what the first look finds', [wrong()], undefined],
  ])('is not made of %s', (_, images, before) => {
    expect(noteAvailability(images, before).notes).toEqual([]);
  });

  test('is one for many images of a registry that turn together', () => {
    const images = Array.from({ length: 312 }, (_, index) =>
      tracked(`quay.io/team/app-${index}:1`, { status: 'Unreachable', lastError: 'timeout' }),
    );
    const lost = noteAvailability([...images, wrong()], nothing);
    expect(lost.notes.map(({ note }) => note)).toEqual([
      '312 images of quay.io are Unreachable, such as quay.io/team/app-0:1, quay.io/team/app-1:1, quay.io/team/app-2:1: timeout.',
      'quay.io/team/app:1 is NotFound: manifest unknown.',
    ]);
    const healthy = images.map(({ image }) => tracked(image));
    expect(noteAvailability(healthy, lost.unavailable).notes.map(({ note }) => note)).toEqual([
      '312 images of quay.io are Available again, such as quay.io/team/app-0:1, quay.io/team/app-1:1, quay.io/team/app-2:1.',
    ]);
  });
});
