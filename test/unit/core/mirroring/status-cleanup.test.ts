import { describe, expect, test } from 'vitest';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import { type CleaningResource, forecastCleanup } from '#core/mirroring/status-cleanup.ts';
import type { Cleanup } from '#core/routing/compiled.ts';
import { drain } from '#core/steps.ts';
import { mirrored, someTimeMs } from '#test/support/mirroring/mirrored-images.ts';

const hourMs = 3_600_000;
const image = 'quay.io/team/app:1';
const copy = 'mirror-0.example.com/team/app:1';
const unused = { unusedSinceMs: someTimeMs };
const all = 'ClusterImageSetMirror/all';
const near = 'ImageSetMirror/shop/near';

function cleaning(
  images: readonly MirroredImage[],
  cleanup: Partial<Cleanup> = {},
  given: Partial<CleaningResource> = {},
): CleaningResource {
  const location = { registry: 'mirror-0.example.com', path: '' };
  const full = { enabled: true, retentionMs: hourMs, ...cleanup };
  const entries = [{ declaration: 0, location, priority: 0, cleanup: full }];
  return { resource: all, entries, phase: 'planned', images, ...given };
}

const forecast = (resources: readonly CleaningResource[], run: readonly string[] = []) =>
  drain(
    forecastCleanup({ resources, isRun: (key) => run.includes(key), nowMs: someTimeMs + 60_000 }),
  );

describe('what is to go', () => {
  test('is a copy of an image that nobody uses, once its retention is over', () => {
    const images = [mirrored(image, [{}], unused), mirrored('quay.io/team/used:1')];
    expect(forecast([cleaning(images)])).toEqual([
      {
        ...{ resource: all, image, copy, mirror: 'mirror-0.example.com', state: 'Available' },
        ...{ why: 'unused', unusedSinceMs: someTimeMs, retentionMs: hourMs },
        ...{ dueMs: someTimeMs + hourMs, isRun: false },
      },
    ]);
  });

  test('comes in the order of its dues, what is overdue now', () => {
    const later = { unusedSinceMs: someTimeMs + 30_000 };
    const images = [mirrored('quay.io/team/b:1', [{}], later), mirrored(image, [{}], unused)];
    const items = forecast([cleaning(images, { retentionMs: 40_000 })]);
    expect(items.map(({ copy: text, dueMs }) => [text, dueMs - someTimeMs])).toEqual([
      [copy, 60_000],
      ['mirror-0.example.com/team/b:1', 70_000],
    ]);
  });

  test.each([
    [
      'where nothing is cleaned up',
      [cleaning([mirrored(image, [{}], unused)], { enabled: false })],
    ],
    ['of what was found there', [cleaning([mirrored(image, [{ adopted: true }], unused)])]],
    ['of what is not there', [cleaning([mirrored(image, [{ state: 'Scheduled' }], unused)])]],
    [
      'of what another resource wants',
      [
        cleaning([mirrored(image, [{}], unused)]),
        cleaning([mirrored(image, [{}], { resource: near })], {}, { resource: near }),
      ],
    ],
    [
      'of what a resource that is left out may want',
      [
        cleaning([mirrored(image, [{}], unused)]),
        cleaning(
          [mirrored(image, [{}], { ...unused, resource: near })],
          {},
          {
            ...{ resource: near, phase: 'unknown', entries: [] },
          },
        ),
      ],
    ],
  ])('is nothing %s', (_, resources) => {
    expect(forecast(resources)).toEqual([]);
  });

  test('waits for the longest retention of all that have it', () => {
    const items = forecast([
      cleaning([mirrored(image, [{}], unused)]),
      cleaning(
        [mirrored(image, [{}], { ...unused, resource: near })],
        { retentionMs: 5 * hourMs },
        {
          resource: near,
        },
      ),
    ]);
    expect(items.map(({ resource, dueMs }) => [resource, dueMs - someTimeMs])).toEqual([
      [all, 5 * hourMs],
      [near, 5 * hourMs],
    ]);
  });

  test('are now all copies of a resource that is being deleted, used or not', () => {
    const [item] = forecast([cleaning([mirrored(image)], {}, { phase: 'deleting' })], [copy]);
    expect(item).toMatchObject({ why: 'deleting', dueMs: someTimeMs + 60_000, isRun: true });
    expect(item).not.toHaveProperty('unusedSinceMs');
  });

  test('is left to the resource that holds it longer than one that is being deleted', () => {
    const items = forecast([
      cleaning([mirrored(image, [{}], unused)], {}, { phase: 'deleting' }),
      cleaning([mirrored(image, [{}], { ...unused, resource: near })], {}, { resource: near }),
    ]);
    expect(items.map(({ resource }) => resource)).toEqual([near]);
  });
});
