import { describe, expect, test } from 'vitest';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { succeed } from '#core/result.ts';
import {
  answered,
  stageStartMs,
  startMonitoring,
} from '#test/support/monitoring/monitoring-stage.ts';
import { everything, hourMs, image, restored } from '#test/support/monitoring/restored-images.ts';

describe('what was tracked before this process led', () => {
  /** Its Pods in scope have gone; one in another namespace runs it. */
  async function planFirst(observed: number | undefined, include: string) {
    const list = [restored('a', { lastMonitorMs: stageStartMs - 4_000 })];
    const stage = startMonitoring({
      restore: async () => succeed(list),
      observedGeneration: observed,
    });
    stage.run('a', image('a'), { namespace: 'elsewhere' });
    const namespaceFilter = { include: ['apps'] };
    stage.declare('all', { imageFilter: { include: [include] }, namespaceFilter }, 2);
    await stage.lead();
    await stage.pass(1_000);
    return stage;
  }

  test('is unused where its last Pod in scope went meanwhile', async () => {
    const expected = [{ image: image('a'), unusedSinceMs: expect.any(Number) }];
    expect((await planFirst(2, '.*')).tracked('all')).toMatchObject(expected);
    // Of kuik v2, which says nothing of what it has seen, nothing is forgotten either.
    expect((await planFirst(undefined, '.*')).tracked('all')).toMatchObject(expected);
  });

  test('goes where the filters were narrowed meanwhile', async () => {
    expect((await planFirst(1, '.*')).tracked('all')).toEqual([]);
    expect((await planFirst(2, 'docker.io/.*')).tracked('all')).toEqual([]);
  });

  test('goes when the filters are narrowed afterwards', async () => {
    const list = [restored('a', { lastMonitorMs: stageStartMs - 4_000 })];
    const stage = startMonitoring({ restore: async () => succeed(list), observedGeneration: 1 });
    stage.run('a', image('a'), { namespace: 'elsewhere' });
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(1_000);
    expect(stage.tracked('all')).toHaveLength(1);
    expect(stage.monitoring.isPlanned('all', [image('a')])).toBe(true);
    stage.declare('all', { ...everything, namespaceFilter: { include: ['apps'] } }, 2);
    expect(stage.monitoring.isPlanned('all')).toBe(false);
    await stage.pass(1_000);
    expect(stage.monitoring.isPlanned('all')).toBe(true);
    expect(stage.monitoring.isPlanned('all', [image('a')])).toBe(false);
    expect(stage.tracked('all')).toEqual([]);
  });
});

test('a resource is not told of before all that was tracked is there again', async () => {
  const reading = Promise.withResolvers<readonly TrackedImage[]>();
  const stage = startMonitoring({ restore: async () => succeed(await reading.promise) });
  stage.run('b', image('b'));
  stage.declare('all', everything);
  const seen: unknown[] = [];
  stage.monitoring.tracked.subscribe((resource) => {
    seen.push([stage.monitoring.tracked.resources(), stage.tracked(resource).length]);
  });
  await stage.lead();
  await stage.pass(60_000);
  // Whoever writes statuses would write that there is nothing, and all would be forgotten.
  expect([stage.monitoring.tracked.resources(), seen]).toEqual([[], []]);
  expect(stage.monitoring.isPlanned('all')).toBe(false);
  reading.resolve([restored('a', { lastMonitorMs: stageStartMs - hourMs })]);
  await stage.pass(1_000);
  expect(seen[0]).toEqual([['all'], 2]);
  expect(stage.monitoring.tracked.resources()).toEqual(['all']);
});

test('a resource made anew under its name tracks everything anew, be it ever so many images', async () => {
  const all = Array.from({ length: 1_000 }, (_, index) => `app-${index}`);
  // What went is dismissed in another order than what came is planned in.
  const lists = [all.toReversed().map((name) => restored(name)), []];
  const stage = startMonitoring({ restore: async () => succeed(lists.shift() ?? []) });
  for (const name of all) stage.run(name, image(name));
  stage.declare('all', everything, 1, 'first');
  await stage.lead();
  await stage.pass(2_000);
  expect(stage.tracked('all')).toHaveLength(1_000);
  stage.declare('all', everything, 1, 'second');
  await stage.pass(4_000);
  expect(stage.tracked('all')).toHaveLength(1_000);
  expect(new Set(stage.tracked('all').map(({ status }) => status))).toEqual(new Set(['Scheduled']));
  expect([stage.bugs(), lists]).toEqual([[], []]);
});

describe('a private image whose Pods went before this process led', () => {
  const refused = answered({ kind: 'InvalidAuth', message: 'who are you' });

  async function leadWith(before: Partial<TrackedImage>) {
    const list = [restored('a', { unusedSinceMs: stageStartMs - hourMs, ...before })];
    const stage = startMonitoring({ restore: async () => succeed(list) });
    stage.answerWith(() => refused);
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(1_000);
    return stage;
  }

  test('is what it was when it is refused without the Secrets that nobody knows any more', async () => {
    const lastMonitorMs = stageStartMs - hourMs;
    const stage = await leadWith({ lastMonitorMs });
    expect(stage.checks).toMatchObject([{ result: 'InvalidAuth' }]);
    expect(stage.tracked('all')).toMatchObject([{ status: 'Available' }]);
    expect(stage.tracked('all')[0]?.lastMonitorMs).toBeGreaterThan(lastMonitorMs);
    stage.answerWith(() => answered({ kind: 'NotFound', message: 'no such image' }));
    await stage.pass(10_000);
    expect(stage.tracked('all')).toMatchObject([{ status: 'NotFound' }]);
  });

  test('is refused once a Pod says with which Secrets, or where nothing was known of it', async () => {
    const stage = await leadWith({ lastMonitorMs: stageStartMs - hourMs });
    stage.run('a', image('a'));
    await stage.pass(10_000);
    expect(stage.tracked('all')).toMatchObject([{ status: 'InvalidAuth' }]);
    const never = await leadWith({ status: 'Scheduled' });
    expect(never.tracked('all')).toMatchObject([{ status: 'InvalidAuth' }]);
  });
});
