import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MonitoredStatus } from '#api/image-set-availability.ts';
import { availabilityStatus } from '#core/monitoring/availability-status.ts';
import { readMonitoredImage, writeMonitoredImage } from '#core/monitoring/monitored-image.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { createImageMerger } from '#core/status/image-merger.ts';
import {
  dealShards,
  decodeShard,
  encodeShard,
  overflowEntry,
  shardBytesMax,
} from '#core/status/overflow.ts';
import { availabilityText, listStatus } from '#test/support/monitoring/list-status.ts';

const statuses: readonly MonitoredStatus[] = [
  ...(['Scheduled', 'Available', 'NotFound', 'Unreachable'] as const),
  ...(['InvalidAuth', 'UnavailableSecret', 'QuotaExceeded'] as const),
];
const seconds = fc.integer({ min: 0, max: 4_000_000_000 }).map((value) => value * 1_000);

const image: fc.Arbitrary<TrackedImage> = fc
  .record(
    {
      number: fc.integer({ min: 0, max: 100_000 }),
      status: fc.constantFrom(...statuses),
      original: fc.boolean(),
      unusedSinceMs: seconds,
      lastMonitorMs: seconds,
      lastError: fc.string({ unit: 'binary', minLength: 1, maxLength: 400 }),
    },
    { requiredKeys: ['number', 'status', 'original'] },
  )
  .map(({ number, ...given }) => ({
    ...{ resource: 'all', registry: 'quay.io', image: `quay.io/team/service-${number}:v1` },
    ...given,
  }));
const images = fc.uniqueArray(image, {
  ...{ maxLength: 3_000, size: 'max' },
  selector: (one) => one.image,
});

/** What an entry says after it was written and read: of an error what there is room for. */
function stored(one: TrackedImage): TrackedImage | undefined {
  return readMonitoredImage('all', JSON.parse(JSON.stringify(writeMonitoredImage(one))));
}

test('a status and its shards hold every image once, in any order of the images', () => {
  fc.assert(
    fc.property(images, (given) => {
      const { status, beyond } = listStatus(given);
      const again = listStatus(given.toReversed());
      expect(availabilityText(again.status)).toBe(availabilityText(status));
      const shards = dealShards(
        beyond.map((one) => overflowEntry(one.image, writeMonitoredImage(one))),
        [],
      );
      const lines = [...shards.values()].flatMap((entries) => decodeShard(encodeShard(entries)));
      const restored = [...status.images, ...lines].map((entry) =>
        readMonitoredImage('all', entry),
      );
      const byName = (left: TrackedImage | undefined, right: TrackedImage | undefined) =>
        (left?.image ?? '') < (right?.image ?? '') ? -1 : 1;
      expect(restored.toSorted(byName)).toEqual(given.map(stored).toSorted(byName));
    }),
    { numRuns: 10 },
  );
});

test('a status lists those images that sorting all would put first', () => {
  const rank = ({ status, unusedSinceMs }: TrackedImage) =>
    (['Available', 'Scheduled'].includes(status) ? 2 : 0) + (unusedSinceMs === undefined ? 0 : 1);
  const inOrder = (left: TrackedImage, right: TrackedImage) =>
    rank(left) - rank(right) || (left.image < right.image ? -1 : 1);
  fc.assert(
    fc.property(images, (given) => {
      const { listed, beyond } = listStatus(given);
      expect(listed).toEqual(given.toSorted(inOrder).slice(0, listed.length));
      expect(beyond.map(rank)).toEqual(beyond.map(rank).toSorted());
    }),
    { numRuns: 10 },
  );
});

test('what is written twice is written the same: an entry read back says nothing new', () => {
  fc.assert(
    fc.property(image, (given) => {
      const once = stored(given);
      expect(once && stored(once)).toEqual(once);
    }),
  );
});

test('shards never grow beyond their bytes, whatever came before', () => {
  fc.assert(
    fc.property(images, fc.array(fc.stringMatching(/^[01]{0,6}$/)), (given, before) => {
      const entries = given.map((one) =>
        overflowEntry(one.image, { ...one, pad: 'x'.repeat(500) }),
      );
      const shards = dealShards(entries, before);
      expect([...shards.values()].flat()).toHaveLength(entries.length);
      for (const held of shards.values()) {
        expect(Buffer.byteLength(encodeShard(held))).toBeLessThanOrEqual(shardBytesMax);
      }
      // Dealt once more, nothing moves.
      expect([...dealShards(entries, shards.keys()).keys()].sort()).toEqual(
        [...shards.keys()].sort(),
      );
    }),
    { numRuns: 10 },
  );
});

test('of an image in several places the later check counts, and the first place of equals', () => {
  fc.assert(
    fc.property(image, image, (first, second) => {
      const [one, other] = [first, { ...second, image: first.image }];
      const merger = createImageMerger(availabilityStatus);
      for (const image of [one, other]) merger.add(image);
      const [merged] = merger.all();
      const isLater = (other.lastMonitorMs ?? 0) > (one.lastMonitorMs ?? 0);
      expect(merged).toBe(isLater ? other : one);
    }),
  );
});
