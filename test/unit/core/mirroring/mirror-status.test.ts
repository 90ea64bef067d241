import { describe, expect, test } from 'vitest';
import type { MatchingImage, MirrorCopyState } from '#api/image-set-mirror-status.ts';
import { mirrorStatus, statusCopiesMax } from '#core/mirroring/mirror-status.ts';
import type { MirrorCopy, MirroredImage } from '#core/mirroring/mirrored-image.ts';
import { createImageMerger } from '#core/status/image-merger.ts';
import {
  createStatusLister,
  hasOverflow,
  statusImagesBytesMax,
  statusImagesMax,
  statusText,
} from '#core/status/status-list.ts';
import { manyMirrored, mirrored, someTimeMs } from '#test/support/mirroring/mirrored-images.ts';

const kind = mirrorStatus(() => someTimeMs);

function list(images: Iterable<MirroredImage>) {
  const lister = createStatusLister(kind);
  for (const image of images) lister.add(image);
  return lister.finish();
}

const named = (name: string) => `docker.io/library/${name}:1`;
const namesOf = (entries: readonly { readonly image: string }[]) =>
  entries.map(({ image }) => image.replace(/.*\/(.*):1/, '$1'));
const failed = { state: 'BackingOff', lastError: 'away' } as const;
const unused = { unusedSinceMs: someTimeMs };

/** So many images with one copy in that state and others that are there. */
function inState(state: MirrorCopyState, count: number, others = 0): MirroredImage[] {
  const copy = { state, ...(state === 'Collision' && { lastError: 'taken' }) };
  return Array.from({ length: count }, (_, index) =>
    mirrored(named(`${state.toLowerCase()}-${String(index).padStart(5, '0')}`), [
      copy,
      ...Array.from({ length: others }, () => ({})),
    ]),
  );
}

const copiesIn = (entries: readonly MatchingImage[], state: MirrorCopyState) =>
  entries.flatMap(({ mirrors = [] }) => mirrors).filter((copy) => copy.state === state).length;

describe('the status of a mirror resource', () => {
  test('lists what no replica may offer first, then wrong and used, wrong, used, the rest', () => {
    const { status, listed, beyond } = list([
      mirrored(named('z-unused'), [{ state: 'Unused' }], unused),
      mirrored(named('y-used')),
      mirrored(named('b-new'), [{ state: 'Scheduled' }]),
      mirrored(named('x-wrong'), [failed], unused),
      mirrored(named('w-wrong-used'), [{}, failed]),
      mirrored(named('v-collision'), [{ state: 'Collision', lastError: 'taken' }]),
      mirrored(named('u-expired'), [{}, { state: 'Expired' }], unused),
    ]);
    expect(namesOf(status.matchingImages)).toEqual([
      ...['u-expired', 'v-collision', 'w-wrong-used', 'x-wrong'],
      ...['b-new', 'y-used', 'z-unused'],
    ]);
    expect(status.matchingImages[0]?.mirrors).toHaveLength(2);
    expect(listed).toHaveLength(7);
    expect(beyond).toEqual([]);
    // All but the new one, the collision, and the two of which a copy failed.
    expect(status).toMatchObject({ imageCount: 7, mirroredCount: 3, failedCount: 3 });
  });

  test('counts all, and lists 1,000 images at most', () => {
    const { status, beyond } = list(manyMirrored(5_000));
    expect(status).toMatchObject({ imageCount: 5_000, mirroredCount: 4_500, failedCount: 500 });
    expect(status.matchingImages).toHaveLength(statusImagesMax);
    expect(beyond).toHaveLength(4_000);
  });

  test('lists 2,000 copies at most', () => {
    const { status, beyond } = list(manyMirrored(900, 7));
    const copies = status.matchingImages.flatMap(({ mirrors = [] }) => mirrors);
    expect(copies.length).toBeLessThanOrEqual(statusCopiesMax);
    expect(copies.length).toBeGreaterThan(statusCopiesMax - 7);
    expect(status.matchingImages.length + beyond.length).toBe(900);
  });

  test('lists 500 of each that no replica may offer, whatever else their images have', () => {
    const { status, listed, beyond } = list([
      ...manyMirrored(3_000, 4),
      ...inState('Collision', 700, 3),
      ...inState('Expired', 600, 3),
    ]);
    const { matchingImages } = status;
    expect(matchingImages).toHaveLength(statusImagesMax);
    expect(copiesIn(matchingImages, 'Expired')).toBe(500);
    expect(copiesIn(matchingImages, 'Collision')).toBe(500);
    expect(namesOf(matchingImages)[0]).toBe('expired-00000');
    // Whatever the status does not say in full stands beyond.
    expect(listed).toEqual([]);
    expect(beyond).toHaveLength(4_300);
    expect(hasOverflow(kind, status)).toBe(true);
  });

  test('fills up with the others where there is room, and then says all of an image', () => {
    const { status, listed } = list([...manyMirrored(300, 2), ...inState('Collision', 600)]);
    expect(status.matchingImages).toHaveLength(900);
    expect(listed).toHaveLength(900);
    expect(namesOf(status.matchingImages).slice(0, 500)).toEqual(
      inState('Collision', 500).map(({ image }) => image.replace(/.*\/(.*):1/, '$1')),
    );
  });

  test('has what no replica may offer although one image alone is too long for it', () => {
    const many: MirroredImage[] = Array.from({ length: 40 }, (_, index) =>
      mirrored(
        named(`app-${index}`),
        Array.from({ length: 64 }, (__, mirror) => (mirror === 0 ? { state: 'Expired' } : {})),
        unused,
      ),
    );
    const { status, listed, beyond } = list(many);
    expect(copiesIn(status.matchingImages, 'Expired')).toBe(40);
    expect(status.matchingImages.flatMap(({ mirrors = [] }) => mirrors)).toHaveLength(40);
    expect([listed.length, beyond.length]).toEqual([0, 40]);
  });

  test('stays under its bytes however long the names and errors are', () => {
    const long = (index: number) =>
      `${'r'.repeat(250)}.example.com/${'p'.repeat(240)}-${index}:${'t'.repeat(128)}`;
    const copy: Partial<MirrorCopy> = { state: 'Collision', lastError: '"\\'.repeat(300) };
    const { status, listed, beyond } = list(
      Array.from({ length: 2_000 }, (_, index) => mirrored(long(index), [copy, {}])),
    );
    expect(Buffer.byteLength(JSON.stringify(status))).toBeLessThan(statusImagesBytesMax + 1_024);
    expect(status.matchingImages.length).toBeGreaterThan(300);
    expect(listed.length + beyond.length).toBe(2_000);
  });

  test('has one text whoever wrote it, and another one as soon as anything differs', () => {
    const { status } = list(manyMirrored(10, 2));
    const stored = JSON.parse(JSON.stringify(status), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toReversed())
        : value,
    );
    expect(statusText(kind, stored)).toBe(statusText(kind, status));
    const changed = manyMirrored(10, 2).map((image, index) => {
      const [first, ...rest] = image.copies;
      if (index !== 3 || first === undefined) return image;
      return { ...image, copies: [{ ...first, adopted: true }, ...rest] };
    });
    expect(statusText(kind, list(changed).status)).not.toBe(statusText(kind, status));
  });

  test('of 20,000 images with two copies each is quickly made', () => {
    const images = manyMirrored(20_000, 2);
    const times = Array.from({ length: 5 }, () => {
      const startedMs = performance.now();
      list(images);
      return performance.now() - startedMs;
    });
    expect(Math.min(...times)).toBeLessThan(500);
  });
});

test('of an image in several places, each copy is as the place that was read last says', () => {
  const merger = createImageMerger(kind);
  const whole = mirrored(named('app'), [{ state: 'Expired' }, {}]);
  const [urgent] = whole.copies;
  if (urgent === undefined) throw new Error('it has two copies');
  merger.add({
    ...whole,
    copies: [urgent, { copy: 'gone.example.com/app:1', state: 'Collision' }],
  });
  merger.add({ ...whole, copies: [{ ...urgent, state: 'Unused' }, ...whole.copies.slice(1)] });
  expect(merger.all()).toEqual([
    {
      ...whole,
      copies: [
        { ...urgent, state: 'Unused' },
        ...whole.copies.slice(1),
        { copy: 'gone.example.com/app:1', state: 'Collision' },
      ],
    },
  ]);
});
