import { describe, expect, test } from 'vitest';
import {
  all,
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
  two,
} from '../../../support/mirroring/mirror-cases.ts';
import { twinPod } from '../../../support/mirroring/mirror-twin.ts';
import { clusterSet, namespacedMirror, namespacedSet } from '../../../support/routing/resources.ts';

describe('a copy that several resources want', () => {
  test.each([
    ['wants it', { cleanup }, true],
    ['does not clean up', {}, false],
    ['keeps it for longer', { cleanup: { enabled: true, retention: '100h' } }, false],
  ])('stays while another %s', (_, spec, isUsed) => {
    const twin = twinOf(
      mirror('one', { cleanup, namespaceFilter: { include: ['apps'] } }),
      mirror('two', spec),
    );
    twin.setPod('a', twinPod('nginx:1'));
    made(twin);
    made(twin, two);
    if (isUsed) twin.setPod('b', twinPod('nginx:1', { namespace: 'other' }));
    twin.setPod('a', undefined);
    elapse(twin, 10 * hourMs);
    expect(states(twin.entry(one, nginx))).toEqual([`${copy} Available`]);
    expect(twin.entry(one, nginx)?.unusedSinceMs).toBeDefined();
  });

  test('goes when the other lets it go', () => {
    const twin = twinOf(mirror('one', { cleanup }), mirror('two'));
    twin.setPod('a', twinPod('nginx:1'));
    made(twin);
    made(twin, two);
    twin.setPod('a', undefined);
    elapse(twin, 10 * hourMs);
    twin.setResources([mirror('one', { cleanup })]);
    expect(states(twin.entry(one, nginx))).toEqual([`${copy} Expired`]);
  });

  test('is told apart from an untagged one by name, and from no other', () => {
    const twin = twinOf(mirror('one', { cleanup }));
    twin.setPod('a', twinPod('nginx'));
    twin.setPod('b', twinPod('nginx:latest'));
    made(twin, one, 'docker.io/library/nginx', 'm.example.com/library/nginx');
    made(twin, one, 'docker.io/library/nginx:latest', 'm.example.com/library/nginx:latest');
    twin.setPod('a', undefined);
    elapse(twin, 10 * hourMs);
    expect(states(twin.entry(one, 'docker.io/library/nginx'))).toEqual([
      'm.example.com/library/nginx Available',
    ]);
  });

  test('is made on behalf of each, whoever made it first before the others', () => {
    const twin = twinOf(mirror('one'), mirror('two'));
    twin.setPod('a', twinPod('nginx:1'));
    const copiers = () => twin.judge(copy).copiers.map(({ resource }) => resource);
    expect(copiers()).toEqual([one, two]);
    made(twin, two);
    expect(copiers()).toEqual([two, one]);
  });

  test('on prefixes that overlap harms neither', () => {
    const inner = mirror('two', { mirrors: [{ registry: 'm.example.com', path: '/library' }] });
    const twin = twinOf(mirror('one', { cleanup: { enabled: true, retention: '0s' } }), inner);
    const original = 'quay.io/nginx:1';
    twin.setPod('a', twinPod('nginx:1'));
    twin.setPod('b', twinPod(original));
    // Below the inner prefix lies the outer's copy of another image.
    expect(states(twin.entry(one, nginx))).toEqual([`${copy} Scheduled`]);
    expect(states(twin.entry(two, original))).toEqual([`${copy} Collision`]);
    made(twin);
    twin.setPod('a', undefined);
    elapse(twin, 0);
    expect(states(twin.entry(one, nginx))).toEqual([`${copy} Expired`]);
    twin.record(one, nginx, copy);
    twin.planAll();
    expect(states(twin.entry(two, original))).toEqual([`${copy} Scheduled`]);
  });
});

describe('two originals on one place', () => {
  const hub = 'docker.io/library/app:1';
  const quay = 'quay.io/library/app:1';
  const place = 'm.example.com/library/app:1';
  const collision = `${place} is the copy of ${quay}`;

  test('collide: the one that is there keeps it, whatever comes', () => {
    const twin = twinOf(mirror('one'));
    twin.setPod('a', twinPod(quay));
    made(twin, one, quay, place);
    twin.setPod('b', twinPod(hub));
    expect(twin.copy(one, hub, place)).toEqual({
      copy: place,
      state: 'Collision',
      lastError: collision,
    });
    expect(twin.copy(one, quay, place)?.state).toBe('Available');
    twin.setPod('a', undefined);
    elapse(twin, 1_000 * hourMs);
    expect(twin.copy(one, hub, place)?.state).toBe('Collision');
  });

  test('collide by a stable rule where neither is there, and nobody takes it from who has begun', () => {
    const twin = twinOf(mirror('one'));
    twin.setPod('a', twinPod('', { images: { a: quay, b: hub } }));
    expect([twin.copy(one, hub, place)?.state, twin.copy(one, quay, place)?.state]).toEqual([
      'Scheduled',
      'Collision',
    ]);
    const other = twinOf(mirror('one'));
    other.setPod('a', twinPod(quay));
    other.setPod('b', twinPod(hub));
    expect(other.copy(one, hub, place)?.state).toBe('Collision');
  });

  test('collide across resources as well', () => {
    const twin = twinOf(
      mirror('one', { imageFilter: { include: ['docker.io/.+'] } }),
      mirror('two', { imageFilter: { include: ['quay.io/.+'] } }),
    );
    twin.setPod('a', twinPod(quay));
    made(twin, two, quay, place);
    twin.setPod('b', twinPod(hub));
    expect(twin.copy(one, hub, place)?.lastError).toBe(collision);
  });

  const upstreams = [
    { registry: 'docker.io', imageFilter: { include: ['/library/app:.+'] } },
    { registry: 'quay.io' },
  ];

  test.each([
    [
      'a cluster-wide set in force for their Pods declares them equivalent',
      [clusterSet('s', { upstreams })],
      'Scheduled',
    ],
    [
      'one that is in force elsewhere does',
      [clusterSet('s', { upstreams, namespaceFilter: { include: ['elsewhere'] } })],
      'Collision',
    ],
    [
      'a namespaced one does, for a cluster-wide mirror',
      [namespacedSet('apps/s', { upstreams })],
      'Collision',
    ],
  ])('share the copy, or not, where %s', (_, sets, expected) => {
    const twin = twinOf(mirror('one'), ...sets);
    twin.setPod('a', twinPod(quay));
    made(twin, one, quay, place);
    twin.setPod('b', twinPod(hub));
    expect(twin.copy(one, hub, place)?.state).toBe(expected);
  });

  test('share the copy of a namespaced mirror where a set of its namespace says so', () => {
    const spec = { ...all, mirrors: [{ registry: 'm.example.com' }] };
    const twin = twinOf(namespacedMirror('apps/one', spec), namespacedSet('apps/s', { upstreams }));
    twin.setPod('a', twinPod(quay));
    twin.setPod('b', twinPod(hub));
    expect(twin.copy('ImageSetMirror/apps/one', hub, place)?.state).toBe('Scheduled');
    expect(twin.judge(place).copiers).toHaveLength(2);
  });

  test('share it no more once the set is gone; until its status says so the copy stays', () => {
    const twin = twinOf(mirror('one', { cleanup }), clusterSet('s', { upstreams }));
    twin.setPod('a', twinPod(quay));
    made(twin, one, quay, place);
    twin.setPod('b', twinPod(hub));
    twin.nowMs += 1;
    made(twin, one, hub, place);
    twin.setResources([mirror('one', { cleanup })]);
    expect(twin.copy(one, hub, place)?.state).toBe('Collision');
    expect(twin.copy(one, quay, place)?.state).toBe('Available');
  });
});
