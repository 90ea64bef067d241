import { describe, expect, test } from 'vitest';
import {
  cleanup,
  copy,
  elapse,
  hourMs,
  made,
  mirror,
  nginx,
  one,
  states,
  twinOf,
} from '../../../support/mirroring/mirror-cases.ts';
import { twinPod } from '../../../support/mirroring/mirror-twin.ts';

describe('an image in use', () => {
  test('is copied to each mirror, and planned once', () => {
    const twin = twinOf(
      mirror('one', {
        mirrors: [{ registry: 'm.example.com' }, { registry: 'n.example.com', path: '/x' }],
      }),
    );
    twin.setPod('a', twinPod('nginx:1'));
    expect(states(twin.entry(one, nginx))).toEqual([
      `${copy} Scheduled`,
      'n.example.com/x/library/nginx:1 Scheduled',
    ]);
    twin.steps.length = 0;
    twin.setPod('b', twinPod('nginx:1'));
    twin.planAll();
    expect(twin.steps).toEqual([]);
  });

  test('is not copied where it lies already, and is no entry where that is everywhere', () => {
    const twin = twinOf(
      mirror('one', { mirrors: [{ registry: 'm.example.com' }, { registry: 'n.example.com' }] }),
    );
    twin.setPod('a', twinPod('m.example.com/library/nginx:1'));
    expect(states(twin.entry(one, 'm.example.com/library/nginx:1'))).toEqual([
      'n.example.com/library/nginx:1 Scheduled',
    ]);
    const lone = twinOf(mirror('one'));
    lone.setPod('a', twinPod('m.example.com/library/nginx:1'));
    expect(lone.images(one)).toEqual([]);
  });

  test('fills a new mirror from rewritten Pods, and leaves one that is taken out', () => {
    const twin = twinOf(mirror('one'));
    twin.setPod('a', twinPod(copy, { original: 'nginx:1' }));
    made(twin);
    const mirrors = [{ registry: 'n.example.com' }];
    twin.setResources([mirror('one', { mirrors: [{ registry: 'm.example.com' }, ...mirrors] })]);
    expect(states(twin.entry(one, nginx))).toEqual([
      `${copy} Available`,
      'n.example.com/library/nginx:1 Scheduled',
    ]);
    twin.setResources([mirror('one', { mirrors })]);
    expect(states(twin.entry(one, nginx))).toEqual(['n.example.com/library/nginx:1 Scheduled']);
  });

  test.each(['Succeeded', 'Failed'])('is none of a Pod that has finished: %s', (phase) => {
    const twin = twinOf(mirror('one'));
    twin.setPod('a', twinPod('nginx:1', { phase }));
    expect(twin.images(one)).toEqual([]);
  });
});

test('a copy that stands and lacks a platform is to be made anew, where somebody uses it', () => {
  const twin = twinOf(mirror('one'));
  twin.setPod('a', twinPod('nginx:1'));
  made(twin);
  twin.record(one, nginx, copy, { platforms: ['linux/amd64'] });
  twin.platforms = [{ architecture: 'amd64' }, { architecture: 'arm64' }];
  twin.steps.length = 0;
  twin.planAll();
  expect(twin.steps).toEqual([{ kind: 'renew', image: nginx, copy }]);
  expect(states(twin.entry(one, nginx))).toEqual([`${copy} Available`]);
  twin.record(one, nginx, copy, { askedPlatforms: ['linux/amd64', 'linux/arm64'] });
  twin.steps.length = 0;
  twin.planAll();
  expect(twin.steps).toEqual([]);
  twin.record(one, nginx, copy, { askedPlatforms: [], state: 'Unused' });
  twin.setPod('a', undefined);
  expect(twin.steps.some(({ kind }) => kind === 'renew')).toBe(false);
});

describe('a change', () => {
  test('costs what it touches, however many images there are', () => {
    const twin = twinOf(
      mirror('one', {
        cleanup,
        mirrors: [{ registry: 'm.example.com' }, { registry: 'n.example.com' }],
      }),
    );
    const images = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`c${at}`, `x.io/a/b:${at}`]));
    const costOf = (change: () => void) => {
      const before = twin.judgements;
      change();
      return twin.judgements - before;
    };
    const costs = [10, 20_000].map((count) => {
      twin.setPod('all', twinPod('', { images: images(count) }));
      return [
        costOf(() => twin.setPod('new', twinPod('nginx:1'))),
        costOf(() => twin.setPod('new', twinPod('nginx:2'))),
        costOf(() => twin.setPod('new', undefined)),
        costOf(() => twin.setPod('other', twinPod('x.io/a/b:1'))),
        costOf(() => twin.setPod('other', undefined)),
      ];
    });
    expect(costs[1]).toEqual(costs[0]);
    expect(Math.max(...costs.flat())).toBeLessThan(20);
  });
});

describe('an image that is not used any more', () => {
  test.each([
    ['never goes without cleanup', {}, 1_000 * hourMs, ['Available']],
    ['stays for its retention', { cleanup }, hourMs - 1_000, ['Available']],
    ['expires right then', { cleanup }, hourMs, ['Expired']],
    [
      'expires after a week where nothing is said',
      { cleanup: { enabled: true } },
      168 * hourMs,
      ['Expired'],
    ],
    [
      'expires at once where it says 0',
      { cleanup: { enabled: true, retention: '0s' } },
      0,
      ['Expired'],
    ],
  ])('%s', (_, spec, ms, expected) => {
    const twin = twinOf(mirror('one', spec));
    twin.setPod('a', twinPod('nginx:1'));
    made(twin);
    twin.setPod('a', undefined);
    expect(twin.entry(one, nginx)?.unusedSinceMs).toBe(twin.nowMs);
    elapse(twin, ms);
    expect(twin.entry(one, nginx)?.copies.map(({ state }) => state)).toEqual(expected);
  });

  test('expires on each mirror by what that says, and goes with its last copy', () => {
    const mirrors = [
      { registry: 'm.example.com', cleanup: { enabled: true, retention: '2h' } },
      { registry: 'n.example.com' },
    ];
    const twin = twinOf(mirror('one', { cleanup, mirrors }));
    const other = 'n.example.com/library/nginx:1';
    twin.setPod('a', twinPod('nginx:1'));
    made(twin);
    made(twin, one, nginx, other);
    twin.setPod('a', undefined);
    elapse(twin, hourMs);
    expect(states(twin.entry(one, nginx))).toEqual([`${copy} Available`, `${other} Expired`]);
    twin.record(one, nginx, other);
    elapse(twin, hourMs);
    expect(states(twin.entry(one, nginx))).toEqual([`${copy} Expired`]);
    twin.record(one, nginx, copy);
    twin.planAll();
    expect(twin.images(one)).toEqual([]);
  });

  test('is turned back where a Pod wants it again', () => {
    const twin = twinOf(mirror('one', { cleanup }));
    twin.setPod('a', twinPod('nginx:1'));
    made(twin);
    twin.setPod('a', undefined);
    elapse(twin, hourMs);
    twin.setPod('b', twinPod('nginx:1'));
    expect(states(twin.entry(one, nginx))).toEqual([`${copy} Available`]);
    expect(twin.entry(one, nginx)?.unusedSinceMs).toBeUndefined();
  });

  test('is not turned back while its DELETE is on its way, and copied again when it is gone', () => {
    const twin = twinOf(mirror('one', { cleanup }));
    twin.setPod('a', twinPod('nginx:1'));
    made(twin);
    twin.setPod('a', undefined);
    elapse(twin, hourMs);
    twin.beingDeleted.add(copy);
    twin.setPod('b', twinPod('nginx:1'));
    expect(states(twin.entry(one, nginx))).toEqual([`${copy} Expired`]);
    twin.beingDeleted.delete(copy);
    twin.record(one, nginx, copy);
    twin.planAll();
    expect(states(twin.entry(one, nginx))).toEqual([`${copy} Scheduled`]);
  });

  test('is turned back where a Pod that no resource is about begins to run its copy', () => {
    const twin = twinOf(mirror('one', { cleanup, namespaceFilter: { include: ['apps'] } }));
    twin.setPod('a', twinPod('nginx:1'));
    made(twin);
    twin.setPod('a', undefined);
    elapse(twin, hourMs);
    twin.setPod('b', twinPod(copy, { namespace: 'elsewhere' }));
    expect(states(twin.entry(one, nginx))).toEqual([`${copy} Available`]);
  });

  test('keeps its copy as long as a Pod runs it or was rewritten from it, then for its retention', () => {
    const twin = twinOf(mirror('one', { cleanup }));
    for (const pod of [
      twinPod(copy, { original: 'nginx:1' }),
      twinPod(copy),
      twinPod(copy, { namespace: 'elsewhere' }),
    ]) {
      twin.setPod('a', twinPod(copy, { original: 'nginx:1' }));
      if (twin.copy(one, nginx, copy)?.mirroredAtMs === undefined) made(twin);
      twin.setResources([mirror('one', { cleanup, imageFilter: { include: ['nothing'] } })]);
      const sinceMs = twin.nowMs;
      expect(twin.entry(one, nginx)?.unusedSinceMs).toBe(sinceMs);
      twin.setPod('a', pod);
      elapse(twin, 10 * hourMs);
      expect(states(twin.entry(one, nginx))).toEqual([`${copy} Available`]);
      twin.setPod('a', undefined);
      elapse(twin, hourMs - 1_000);
      expect(states(twin.entry(one, nginx))).toEqual([`${copy} Available`]);
      elapse(twin, 1_000);
      expect(states(twin.entry(one, nginx))).toEqual([`${copy} Expired`]);
      twin.setResources([mirror('one', { cleanup })]);
    }
  });

  test('is left alone where it was found, and where nothing is known to be there', () => {
    const twin = twinOf(mirror('one', { cleanup }));
    twin.setPod('a', twinPod('nginx:1', { images: { a: 'nginx:1', b: 'redis:7' } }));
    made(twin);
    twin.record(one, nginx, copy, { adopted: true });
    twin.setPod('a', undefined);
    elapse(twin, hourMs);
    expect(twin.images(one)).toEqual([]);
    expect(twin.steps.some(({ kind }) => kind === 'expire')).toBe(false);
  });

  test('is one of 500 at most that expire at a time', () => {
    const twin = twinOf(mirror('one', { cleanup }));
    const images = Object.fromEntries(
      Array.from({ length: 600 }, (_, at) => [`c${at}`, `x.io/a/b:${at}`]),
    );
    twin.setPod('a', twinPod('', { images }));
    for (let at = 0; at < 600; at += 1)
      made(twin, one, `x.io/a/b:${at}`, `m.example.com/a/b:${at}`);
    twin.setPod('a', undefined);
    elapse(twin, hourMs);
    const expired = () => twin.images(one).filter((image) => image.copies[0]?.state === 'Expired');
    expect(expired()).toHaveLength(500);
    for (const { image, copies } of expired()) twin.record(one, image, copies[0]?.copy ?? '');
    twin.planAll();
    expect(expired()).toHaveLength(100);
  });
});
