import { describe, expect, test } from 'vitest';
import type { ProbeReport } from '#actors/registries/registries.ts';
import { fail, succeed } from '#core/result.ts';
import {
  answered,
  stageStartMs,
  startMonitoring,
  turns,
} from '#test/support/monitoring/monitoring-stage.ts';
import { everything, image, restored } from '#test/support/monitoring/restored-images.ts';

/** What the debug endpoint shows of an actor. */
const stateOf = ({ system }: Pick<ReturnType<typeof startMonitoring>, 'system'>, id: string) =>
  system.observer.get(id)?.states.join();

describe('a check in flight', () => {
  /** Two resources wait for the same answer of a registry that hangs. */
  async function hang() {
    const stage = startMonitoring();
    const signals: AbortSignal[] = [];
    stage.answerWith((_, signal) => {
      signals.push(signal);
      const { promise, resolve } = Promise.withResolvers<ProbeReport>();
      signal.addEventListener('abort', () => resolve({ kind: 'Abandoned' }));
      return promise;
    });
    stage.run('a', image('a'));
    stage.declare('one', everything);
    stage.declare('two', everything);
    await stage.lead();
    await stage.pass(1_000);
    expect(signals).toHaveLength(1);
    return { ...stage, isAborted: () => signals[0]?.aborted };
  }

  test('is aborted when nobody waits for it any more, and not before', async () => {
    const stage = await hang();
    stage.remove('one');
    await stage.pass(1_000);
    expect(stage.isAborted()).toBe(false);
    stage.remove('two');
    await stage.pass(1_000);
    expect(stage.isAborted()).toBe(true);
    expect(stage.bugs()).toEqual([]);
  });

  test('is aborted when the image is to be asked for with other Secrets', async () => {
    const stage = await hang();
    stage.run('a', image('a'), { pullSecrets: ['pull'] });
    await stage.pass(1_000);
    expect(stage.isAborted()).toBe(true);
    // What was begun used its slot.
    expect(stage.tracked('one')).toMatchObject([
      { status: 'Scheduled', lastMonitorMs: expect.any(Number) },
    ]);
    stage.answerWith(() => answered({ kind: 'Available' }));
    await stage.pass(10_000);
    expect(stage.tracked('one')).toMatchObject([{ status: 'Available' }]);
  });

  test('has 5 s at the end; then it is aborted and nothing was learnt', async () => {
    const stage = await hang();
    const drained = stage.monitoring.drain();
    await stage.pass(4_800);
    expect(stage.isAborted()).toBe(false);
    await stage.pass(400);
    expect(stage.isAborted()).toBe(true);
    await drained;
    const lastMonitorMs = stageStartMs + 400;
    expect(stage.tracked('one')).toMatchObject([{ status: 'Scheduled', lastMonitorMs }]);
  });

  test('is aborted when this process leads no more', async () => {
    const stage = await hang();
    stage.system.follow();
    await turns();
    expect(stage.isAborted()).toBe(true);
    await stage.pass(30_000);
    expect(stage.sent).toHaveLength(1);
  });
});

test('a bug in a check is in log and metric, and costs its image nothing that it knew', async () => {
  const stage = startMonitoring({
    restore: async () => succeed([restored('a', { lastMonitorMs: stageStartMs - 60_000 })]),
  });
  stage.answerWith(() => Promise.reject(new Error('a bug')));
  stage.run('a', image('a'));
  stage.declare('all', everything);
  await stage.lead();
  await stage.pass(400);
  expect(stage.bugs()).toMatchObject([
    { actor: `tracked-image:all/${image('a')}`, err: { message: 'a bug' } },
  ]);
  const crashes = 'kube_image_keeper_actor_crashes_total{type="tracked-image"} 1';
  expect(await stage.runtime.text()).toContain(crashes);
  expect(stateOf(stage, `tracked-image:all/${image('a')}`)).toBe('Broken');
  expect(stage.tracked('all')).toMatchObject([
    { status: 'Available', lastMonitorMs: stageStartMs - 60_000 },
  ]);
  stage.answerWith(() => answered({ kind: 'NotFound', message: 'no such image' }));
  await stage.pass(10_000);
  expect(stage.tracked('all')).toMatchObject([{ status: 'NotFound' }]);
  expect(stage.sent).toHaveLength(2);
});

describe('the plan of a resource', () => {
  test('waits for what comes together: Pods of a rollout are planned in one round', async () => {
    const stage = startMonitoring();
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(1_000);
    expect(stateOf(stage, 'reconcile:plan/all')).toBe('Idle');
    stage.run('a', image('a'));
    expect(stateOf(stage, 'reconcile:plan/all')).toBe('Settling');
    stage.clock.advance(100);
    stage.run('b', image('b'));
    await turns();
    expect(stage.tracked('all')).toEqual([]);
    stage.clock.advance(100);
    await turns();
    expect(stage.tracked('all')).toHaveLength(2);
  });

  test('is tried again, ever later, until what was tracked can be read; others go on', async () => {
    const tries: number[] = [];
    const stage = startMonitoring({
      restore: async (resource) => {
        if (resource === 'fine') return succeed([]);
        tries.push(stage.clock.now());
        return tries.length < 5 ? fail({ message: 'away' }) : succeed([restored('b')]);
      },
    });
    stage.run('a', image('a'));
    stage.declare('all', everything);
    stage.declare('fine', everything);
    await stage.lead();
    await stage.pass(400, 50);
    expect(stateOf(stage, 'reconcile:plan/all')).toBe('BackingOff');
    expect(stage.tracked('fine')).toHaveLength(1);
    // A Pod that comes does not make it ask sooner.
    stage.run('c', image('c'));
    await stage.pass(6_000, 50);
    // Half of 500 ms, doubled each time, since chance is always a half here.
    expect(tries).toEqual([200, 450, 950, 1_950, 3_950]);
    expect(stateOf(stage, 'reconcile:plan/all')).toBe('Idle');
    expect(stage.tracked('all')).toHaveLength(3);
    expect(stage.bugs()).toEqual([]);
  });

  test('ends with its resource, and leaves nothing behind', async () => {
    const stage = startMonitoring();
    stage.run('a', image('a'));
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(1_000);
    const told: string[] = [];
    stage.monitoring.tracked.subscribe((resource) => told.push(resource));
    stage.remove('all');
    expect(stage.monitoring.tracked.resources()).toEqual([]);
    await stage.pass(1_000);
    expect(told).toEqual(['all']);
    expect(stage.monitoring.pace.registries()).toMatchObject([{ queued: 0 }]);
    const ids = [...stage.system.observer.ids()];
    expect(ids.filter((id) => /^(tracked-image|reconcile):/.test(id))).toEqual([]);
    // One that comes later is tracked like any other.
    stage.declare('all', everything);
    await stage.pass(1_000);
    expect(stage.tracked('all')).toHaveLength(1);
  });

  test('that crashes is in log and metric, and begins anew; others go on', async () => {
    let isBroken = true;
    const stage = startMonitoring({
      restore: async (resource) => {
        if (isBroken && resource === 'all') throw new Error('a bug');
        return succeed([restored('b', { resource })]);
      },
    });
    stage.run('a', image('a'));
    stage.declare('all', everything);
    stage.declare('fine', everything);
    await stage.lead();
    await stage.pass(400);
    expect(stage.bugs()).toMatchObject([
      { actor: 'reconcile:plan/all', err: { message: 'a bug' } },
    ]);
    expect(await stage.runtime.text()).toContain('actor_crashes_total{type="reconcile"} 1');
    expect(stateOf(stage, 'reconcile:plan/all')).toBe('Broken');
    expect([stage.tracked('all').length, stage.tracked('fine').length]).toEqual([0, 2]);
    isBroken = false;
    // What comes meanwhile is not missed.
    stage.run('c', image('c'));
    await stage.pass(1_400);
    expect([stage.tracked('all').length, stage.tracked('fine').length]).toEqual([3, 3]);
  });
});

test('a second term begins with what is stored, and none of the first is left', async () => {
  const stage = startMonitoring({
    restore: async () => succeed([restored('b', { lastMonitorMs: stageStartMs - 60_000 })]),
  });
  stage.run('a', image('a'));
  stage.run('b', image('b'));
  stage.declare('all', everything);
  await stage.lead();
  await stage.pass(1_000);
  expect(stage.sent).toHaveLength(1);
  stage.system.follow();
  await stage.pass(2_000);
  expect(stage.monitoring.tracked.resources()).toEqual([]);
  stage.pods.remove('apps/a');
  await stage.lead();
  await stage.pass(1_000);
  expect(stage.tracked('all')).toMatchObject([{ image: image('b'), status: 'Available' }]);
  // The last check of the first term was 3.6 s ago: the next is a slot after it.
  expect(stage.sent).toHaveLength(1);
  await stage.pass(10_000);
  expect(stage.sent).toHaveLength(2);
  expect(stage.bugs()).toEqual([]);
});
