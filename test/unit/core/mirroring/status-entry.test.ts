import { describe, expect, test } from 'vitest';
import { readMirroredImage, writeMirroredImage } from '#core/mirroring/status-entry.ts';
import {
  digestOf,
  manyMirrored,
  mirrored,
  someTimeMs,
} from '#test/support/mirroring/mirrored-images.ts';

const resource = 'ClusterImageSetMirror/all';
const image = 'docker.io/library/nginx:1.27';
const copy = 'mirror.example.com/library/nginx:1.27';
const nowMs = someTimeMs + 60_000;
const mirroredAt = '2026-03-01T12:00:00Z';
const read = (entry: unknown) => readMirroredImage(resource, entry, nowMs);

describe('an entry of matchingImages', () => {
  test('is read as it was written', () => {
    for (const one of manyMirrored(50, 2)) {
      expect(read(JSON.parse(JSON.stringify(writeMirroredImage(one))))).toEqual(one);
    }
  });

  test('is written with all that is known of a copy, its error in 256 bytes', () => {
    const cut = {
      ...{ platforms: ['linux/amd64'], adopted: true, state: 'Unused' as const },
      ...{ lastError: 'é'.repeat(500), failure: 'denied' as const },
    };
    expect(writeMirroredImage(mirrored(image, [cut], { unusedSinceMs: someTimeMs + 999 }))).toEqual(
      {
        image,
        mirrors: [
          {
            ...{ image: 'mirror-0.example.com/library/nginx:1.27', state: 'Unused', mirroredAt },
            digest: digestOf('mirror-0.example.com/library/nginx:1.27'),
            sourceDigest: digestOf(image),
            ...{ platforms: ['linux/amd64'], adopted: true },
            lastError: expect.stringMatching(/^é{126}…$/),
          },
        ],
        unusedSince: mirroredAt,
      },
    );
  });

  test('keeps that nothing stood there before the first byte was pushed', () => {
    const pushed = mirrored(image, [{ state: 'Scheduled', adopted: false }]);
    expect(writeMirroredImage(pushed).mirrors[0]).toMatchObject({ adopted: false });
    expect(read(writeMirroredImage(pushed))).toEqual(pushed);
  });

  test.each([
    ['a copy that is there', { mirroredAt }, { state: 'Available', mirroredAtMs: someTimeMs }],
    ['a copy still to be made', { mirroredAt: null }, { state: 'Scheduled' }],
    ['a copy that failed', { lastError: 'denied' }, { state: 'BackingOff', lastError: 'denied' }],
    ['a time of zero', { mirroredAt: '0001-01-01T00:00:00Z' }, { state: 'Scheduled' }],
    ['an empty error', { mirroredAt, lastError: '' }, { state: 'Available' }],
    ['a state nobody knows', { mirroredAt, state: 'Lost' }, { state: 'Available' }],
  ])('of kuik v2 with %s is read', (_, mirror, expected) => {
    const entry = read({ image, mirrors: [{ image: copy, ...mirror }] });
    expect(entry?.copies).toEqual([
      { copy, ...(expected.state === 'Available' && { mirroredAtMs: someTimeMs }), ...expected },
    ]);
  });

  test('of kuik v2 that was just found unused is unused from now on', () => {
    const entry = read({
      image,
      mirrors: [{ image: copy, mirroredAt }],
      unusedSince: '0001-01-01T00:00:00Z',
    });
    expect(entry).toMatchObject({ unusedSinceMs: nowMs, copies: [{ state: 'Unused' }] });
  });

  test('loses what makes no sense and nothing else', () => {
    const entry = read({
      image: 'nginx',
      mirrors: [
        null,
        { image: 'NOT AN IMAGE' },
        { image: copy, digest: 'none', sourceDigest: 7, platforms: [7, 'linux/arm64'], adopted: 1 },
        { image: copy, mirroredAt },
      ],
      unusedSince: 'soon',
    });
    expect(entry).toEqual({
      ...{ resource, image: 'docker.io/library/nginx' },
      copies: [{ copy, state: 'Scheduled', platforms: ['linux/arm64'] }],
    });
  });

  test.each([undefined, null, 7, 'nginx', {}, { image: 7 }, { image: 'Not:An:Image' }])(
    'that is %j is none',
    (entry) => {
      expect(read(entry)).toBeUndefined();
    },
  );
});
