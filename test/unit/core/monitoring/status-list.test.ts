import { describe, expect, test } from 'vitest';
import { readMonitoredImage, writeMonitoredImage } from '#core/monitoring/monitored-image.ts';
import { statusImagesBytesMax, statusImagesMax } from '#core/status/status-list.ts';
import { availabilityText, listStatus } from '#test/support/monitoring/list-status.ts';
import { manyTracked, someTimeMs, tracked } from '#test/support/monitoring/tracked-images.ts';

describe('the status of one resource', () => {
  test('lists what is wrong and in use first, then what is wrong, what is in use, the rest', () => {
    const unused = { unusedSinceMs: someTimeMs };
    const { status, beyond } = listStatus([
      tracked('docker.io/library/z-unused:1', unused),
      tracked('docker.io/library/y-used:1'),
      tracked('docker.io/library/b-used:1', { status: 'Scheduled' }),
      tracked('docker.io/library/x-wrong:1', { status: 'InvalidAuth', ...unused }),
      tracked('docker.io/library/w-wrong-used:1', { status: 'NotFound' }),
      tracked('docker.io/library/a-wrong-used:1', { status: 'QuotaExceeded' }),
    ]);
    expect(status.images.map(({ image }) => image.replace(/.*\/(.*):1/, '$1'))).toEqual([
      'a-wrong-used',
      'w-wrong-used',
      'x-wrong',
      'b-used',
      'y-used',
      'z-unused',
    ]);
    expect(beyond).toEqual([]);
  });

  test('counts all; what was never checked is neither available nor missing', () => {
    const images = manyTracked(5_000);
    images.push(tracked('docker.io/library/new:1', { status: 'Scheduled' }));
    const { status, beyond } = listStatus(images);
    expect(status).toMatchObject({ imageCount: 5_001, availableCount: 4_500, missingCount: 500 });
    expect(status.images).toHaveLength(statusImagesMax);
    expect(beyond).toHaveLength(4_001);
    const listed = new Set(status.images.map(({ image }) => image));
    expect(new Set([...listed, ...beyond.map(({ image }) => image)]).size).toBe(5_001);
    expect(status.images.filter((image) => image.status === 'NotFound')).toHaveLength(500);
  });

  test('writes times in whole seconds, and no more than 256 bytes of an error', () => {
    const { status } = listStatus([
      tracked('quay.io/team/app', {
        status: 'Unreachable',
        lastError: `dial tcp:\n${'é'.repeat(500)}`,
        unusedSinceMs: someTimeMs + 999,
      }),
    ]);
    expect(status.images).toEqual([
      {
        image: 'quay.io/team/app',
        status: 'Unreachable',
        original: true,
        unusedSince: '2026-03-01T12:00:00Z',
        lastMonitor: '2026-03-01T12:00:00Z',
        lastError: expect.stringMatching(/^dial tcp: é{121}…$/),
      },
    ]);
  });

  test('stays under its bytes however long the names and errors are', () => {
    const images = Array.from({ length: 2_000 }, (_, index) =>
      tracked(`${'r'.repeat(250)}.example.com/${'p'.repeat(240)}-${index}:${'t'.repeat(128)}`, {
        status: 'NotFound',
        lastError: '"\\'.repeat(300),
        unusedSinceMs: someTimeMs,
      }),
    );
    const { status, beyond } = listStatus(images);
    expect(Buffer.byteLength(JSON.stringify(status))).toBeLessThan(statusImagesBytesMax + 1_024);
    expect(status.images.length).toBeGreaterThan(500);
    expect(status.images.length + beyond.length).toBe(2_000);
  });

  test('has one text whoever wrote it, and another one as soon as anything differs', () => {
    const { status } = listStatus(manyTracked(10));
    const stored = JSON.parse(JSON.stringify(status), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).toReversed())
        : value,
    );
    expect(availabilityText(stored)).toBe(availabilityText(status));
    expect(availabilityText(listStatus(manyTracked(11)).status)).not.toBe(availabilityText(status));
    expect(availabilityText({})).not.toBe(availabilityText(listStatus([]).status));
  });

  test('of 20,000 images is quickly made', () => {
    const images = manyTracked(20_000);
    const times = Array.from({ length: 5 }, () => {
      const startedMs = performance.now();
      listStatus(images);
      return performance.now() - startedMs;
    });
    expect(Math.min(...times)).toBeLessThan(500);
  });
});

describe('an entry of a status', () => {
  test('is read as it was written', () => {
    for (const image of manyTracked(50)) {
      expect(readMonitoredImage('all', writeMonitoredImage(image))).toEqual(image);
    }
  });

  test.each([
    ['kuik v2 with all', { status: 'Available', unusedSince: '2026-03-01T12:00:00Z' }, {}],
    ['nothing but an image', {}, { status: 'Scheduled' }],
    ['an empty status', { status: '' }, { status: 'Scheduled' }],
    ['a status nobody knows', { status: 'Lost' }, { status: 'Scheduled' }],
    ['a time that is none', { status: 'Available', lastMonitor: 'soon' }, { status: 'Available' }],
    ['nulls', { status: null, unusedSince: null, lastError: null }, { status: 'Scheduled' }],
    ['a rewritten one', { status: 'Available', original: false }, { original: false }],
  ])('with %s is read', (_, entry, expected) => {
    const read = readMonitoredImage('all', { image: 'quay.io/team/app:1', ...entry });
    expect(read).toMatchObject({
      resource: 'all',
      image: 'quay.io/team/app:1',
      registry: 'quay.io',
      original: true,
      ...expected,
    });
    expect(read?.lastError).toBeUndefined();
  });

  test('names its image in the full form', () => {
    expect(readMonitoredImage('all', { image: 'nginx' })).toMatchObject({
      image: 'docker.io/library/nginx',
      registry: 'docker.io',
    });
  });

  test.each([undefined, null, 7, 'nginx', {}, { image: 7 }, { image: 'Not:An:Image' }])(
    'that is %j is none',
    (entry) => {
      expect(readMonitoredImage('all', entry)).toBeUndefined();
    },
  );
});
