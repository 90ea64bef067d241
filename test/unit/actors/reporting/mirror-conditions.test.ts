import { describe, expect, test } from 'vitest';
import type { ConditionContributor } from '#actors/conditions/conditions.ts';
import { addMirrorConditions } from '#actors/reporting/mirror-conditions.ts';
import { apiVersion, type KuikResource } from '#api/kinds.ts';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import type { EventNote } from '#kube/events.ts';
import { digestOf, mirrored } from '#test/support/mirroring/mirrored-images.ts';
import { createListedImages } from '#test/support/status/listed-images.ts';
import { startLeading } from '#test/support/time/leading-system.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';
import { turns } from '#test/support/time/turns.ts';

const name = 'ClusterImageSetMirror/all';
const app = 'quay.io/team/app:1';
const moved = (image = app, to = digestOf('other')) =>
  mirrored(image, [{}], { presentSourceDigest: to });
const same = (image = app) => mirrored(image, [{}], { presentSourceDigest: digestOf(image) });

function stage(sourceChanged?: 'True' | 'False') {
  const runtime = createTestRuntime();
  const images = createListedImages<MirroredImage>(name);
  const told: EventNote[] = [];
  const time = { lastTransitionTime: '2026-03-01T12:00:00Z' };
  const resource: KuikResource = {
    ...{ apiVersion, kind: 'ClusterImageSetMirror', metadata: { name: 'all' } },
    status: {
      conditions:
        sourceChanged === undefined
          ? []
          : [{ type: 'SourceChanged', status: sourceChanged, reason: 'x', message: '', ...time }],
    },
  };
  const owner = { apiVersion, kind: 'ClusterImageSetMirror' as const, name: 'all', uid: 'u' };
  let isPlanned = true;
  let conditions: ConditionContributor | undefined;
  const system = startLeading(runtime, (made) => {
    conditions = addMirrorConditions(made, {
      ...{ images, isPlanned: () => isPlanned, ownerOf: () => owner, find: () => resource },
      events: { record: (note) => void told.push(note) },
    });
  });
  if (conditions === undefined) throw new Error('nothing was added');
  let news = 0;
  conditions.subscribe(() => {
    news += 1;
  });
  return {
    ...{ images, told, resource, conditions, system },
    news: () => news,
    plan: (planned: boolean) => {
      isPlanned = planned;
    },
    pass: async (ms = 6_000) => {
      runtime.clock.advance(ms);
      await turns();
    },
  };
}

describe('the conditions of a mirror resource', () => {
  test('say nothing before all of it is planned and looked at', async () => {
    const { images, conditions, resource, plan, pass } = stage();
    plan(false);
    images.put(mirrored(app));
    await pass();
    expect(conditions.isKnown?.(resource)).toBe(false);
    plan(true);
    expect(conditions.isKnown?.(resource)).toBe(true);
    expect(conditions.readyMessage?.(resource)).toBe('The 1 image is mirrored.');
    expect(conditions.listsImages?.(resource)).toBe(true);
  });

  test('are asked for anew once it is planned, though none of its images changes any more', async () => {
    const { images, conditions, resource, news, plan, pass } = stage();
    plan(false);
    await pass();
    expect(conditions.isKnown?.(resource)).toBe(false);
    await pass();
    const before = news();
    plan(true);
    await pass(1_000);
    expect(news()).toBe(before + 1);
    expect(conditions.isKnown?.(resource)).toBe(true);
    images.tearDown(name);
    expect(conditions.isKnown?.(resource)).toBe(true);
  });

  test('tell what fails, and that there is news only where there is', async () => {
    const { images, conditions, resource, news, pass } = stage();
    images.put(mirrored(app, [{ state: 'Failed', lastError: 'denied', failure: 'denied' }]));
    await pass();
    expect(news()).toBe(1);
    expect(conditions.statesOf(resource)).toMatchObject([{ reason: 'CopyFailed' }]);
    images.put(...images.imagesOf(name));
    await pass();
    expect(news()).toBe(1);
    images.put(mirrored(app));
    await pass();
    expect(news()).toBe(2);
    expect(conditions.statesOf(resource)).toEqual([]);
  });
});

describe('a tag that moved', () => {
  test('is a condition and an event, once', async () => {
    const { images, told, conditions, resource, pass } = stage();
    images.put(same());
    await pass();
    expect(conditions.conditionsOf?.(resource)).toEqual([]);
    images.put(moved());
    await pass();
    images.put(moved());
    await pass();
    expect(conditions.conditionsOf?.(resource)).toMatchObject([
      { type: 'SourceChanged', status: 'True', reason: 'TagMoved' },
    ]);
    expect(told).toMatchObject([
      { reason: 'SourceChanged', type: 'Warning', regarding: { name: 'all' }, action: 'Compare' },
    ]);
  });

  test('is no condition any more once it names again what was copied', async () => {
    const { images, conditions, resource, pass } = stage('True');
    images.put(same());
    await pass();
    expect(conditions.conditionsOf?.(resource)).toMatchObject([
      { type: 'SourceChanged', status: 'False', reason: 'TagsUnchanged' },
    ]);
  });

  test('that the last leader has told of stays told, and is not told again', async () => {
    const { images, told, conditions, resource, pass } = stage('True');
    const other = 'quay.io/team/other:1';
    images.put(mirrored(app), mirrored(other));
    await pass();
    images.put(moved());
    await pass();
    expect(conditions.conditionsOf?.(resource)).toEqual([]);
    images.put(same(other));
    await pass();
    expect(told).toEqual([]);
    expect(conditions.conditionsOf?.(resource)).toMatchObject([{ status: 'True' }]);
    images.put(moved(app, digestOf('yet another')));
    await pass();
    expect(told).toHaveLength(1);
  });
});
