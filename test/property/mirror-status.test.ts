import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MatchingImage } from '#api/image-set-mirror-status.ts';
import { mirrorCopyStates } from '#api/image-set-mirror-status.ts';
import { mirrorStatus, statusCopiesMax, urgentCopiesMax } from '#core/mirroring/mirror-status.ts';
import type { MirrorCopy, MirroredImage } from '#core/mirroring/mirrored-image.ts';
import { createImageMerger } from '#core/status/image-merger.ts';
import { dealShards, decodeShard, encodeShard, overflowEntry } from '#core/status/overflow.ts';
import { createStatusLister, statusImagesMax, statusText } from '#core/status/status-list.ts';
import { digestOf } from '#test/support/mirroring/mirrored-images.ts';

const resource = 'ClusterImageSetMirror/all';
const kind = mirrorStatus(() => 0);
const seconds = fc.integer({ min: 1, max: 4_000_000_000 }).map((value) => value * 1_000);
const digest = fc.constantFrom('a', 'b').map(digestOf);

const copy: fc.Arbitrary<Omit<MirrorCopy, 'copy'>> = fc.record(
  {
    state: fc.constantFrom(...mirrorCopyStates),
    mirroredAtMs: seconds,
    digest,
    sourceDigest: digest,
    platforms: fc.constant(['linux/amd64']),
    adopted: fc.boolean(),
    lastError: fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }),
  },
  { requiredKeys: ['state'] },
);

/** Many images that are alike: what matters is how many there are of which kind. */
const images: fc.Arbitrary<readonly MirroredImage[]> = fc
  .array(
    fc.record({
      count: fc.integer({ min: 1, max: 700 }),
      copies: fc.array(copy, { maxLength: 5 }),
      unusedSinceMs: fc.option(seconds, { nil: undefined }),
    }),
    { maxLength: 6 },
  )
  .map((groups) =>
    groups.flatMap(({ count, copies, unusedSinceMs }, group) =>
      Array.from({ length: count }, (_, index) => ({
        ...{ resource, image: `quay.io/team-${index % 7}/service-${group}-${index}:v1` },
        copies: copies.map((one, mirror) => ({
          ...one,
          copy: `mirror-${mirror}.example.com/team-${index % 7}/service-${group}-${index}:v1`,
        })),
        ...(unusedSinceMs !== undefined && { unusedSinceMs }),
      })),
    ),
  );

function list(given: readonly MirroredImage[]) {
  const lister = createStatusLister(kind);
  for (const image of given) lister.add(image);
  return lister.finish();
}

const byName = (left: MirroredImage, right: MirroredImage) => (left.image < right.image ? -1 : 1);

/** What an entry says after it was written and read: of an error what there is room for. */
const stored = (image: MirroredImage) =>
  kind.read(resource, JSON.parse(JSON.stringify(kind.write(image)))) as MirroredImage;

test('a status and its shards hold every image and copy, in any order of the images', () => {
  fc.assert(
    fc.property(images, (given) => {
      const { status, beyond } = list(given);
      expect(statusText(kind, list(given.toReversed()).status)).toBe(statusText(kind, status));
      const shards = dealShards(
        beyond.map((one) => overflowEntry(one.image, kind.write(one))),
        [],
      );
      const lines = [...shards.values()].flatMap((entries) => decodeShard(encodeShard(entries)));
      const merger = createImageMerger(kind);
      for (const entry of [...status.matchingImages, ...lines]) {
        const image = kind.read(resource, entry);
        if (image !== undefined) merger.add(image);
      }
      expect(merger.all().toSorted(byName)).toEqual(given.map(stored).toSorted(byName));
    }),
    { numRuns: 15 },
  );
});

const copiesOf = (entries: readonly MatchingImage[]) =>
  entries.flatMap(({ mirrors = [] }) => mirrors);

test('a status keeps to its limits, and no copy that may not be offered is left out within them', () => {
  fc.assert(
    fc.property(images, (given) => {
      const { status, listed, beyond } = list(given);
      const { matchingImages } = status;
      expect(matchingImages.length).toBeLessThanOrEqual(statusImagesMax);
      expect(copiesOf(matchingImages).length).toBeLessThanOrEqual(statusCopiesMax);
      expect(Buffer.byteLength(JSON.stringify(status))).toBeLessThan(1_048_576);
      expect(listed.length + beyond.length).toBe(given.length);
      const wanted = given
        .flatMap(({ copies }) => copies)
        .filter(({ state }) => state === 'Expired' || state === 'Collision');
      if (wanted.length > urgentCopiesMax) return;
      const shown = new Set(copiesOf(matchingImages).map(({ image }) => image));
      expect(wanted.filter((one) => !shown.has(one.copy))).toEqual([]);
    }),
    { numRuns: 15 },
  );
});
