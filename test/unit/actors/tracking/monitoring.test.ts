import { describe, expect, test } from 'vitest';
import { succeed } from '#core/result.ts';
import {
  answered,
  stageStartMs,
  startMonitoring,
  turns,
} from '#test/support/monitoring/monitoring-stage.ts';
import { everything, hourMs, image, restored } from '#test/support/monitoring/restored-images.ts';

const names = (sent: readonly { reference: { path: string } }[]) =>
  sent.map(({ reference }) => reference.path.slice('team/'.length));

describe('checks', () => {
  test('are a slot apart, one for all resources that ask with the same Secrets', async () => {
    const stage = startMonitoring();
    stage.run('a', image('a'));
    stage.run('b', image('b'));
    stage.declare('all', everything);
    stage.declare('same', everything);
    await stage.lead();
    await stage.pass(1_000);
    expect(names(stage.sent)).toEqual(['a']);
    await stage.pass(20_000);
    expect(names(stage.sent)).toEqual(['a', 'b', 'a']);
    for (const resource of ['all', 'same']) {
      expect(stage.tracked(resource).map(({ status }) => status)).toEqual([
        'Available',
        'Available',
      ]);
    }
    expect(stage.checks).toHaveLength(3);
    expect(stage.bugs()).toEqual([]);
  });

  test('of all resources share the pace of a registry, and so does a full round', async () => {
    const stage = startMonitoring();
    for (const name of ['a', 'b', 'c']) stage.run(name, image(name));
    stage.declare('one', { imageFilter: { include: ['.*/a:1'] } });
    stage.declare('two', { imageFilter: { include: ['.*/[abc]:1'] } });
    await stage.lead();
    await stage.pass(1_000);
    const { pace } = stage.monitoring;
    expect(pace.countsOf('one')).toEqual(new Map([['quay.io', 3]]));
    expect([pace.roundMsOf('one'), pace.roundMsOf('two')]).toEqual([30_000, 30_000]);
  });

  test('are a slot apart where the first request of a process leaves late, too', async () => {
    const stage = startMonitoring();
    const late = Promise.withResolvers<void>();
    stage.answerWith(async () => {
      await late.promise;
      return answered({ kind: 'Available' });
    });
    for (const name of ['a', 'b', 'c']) stage.run(name, image(name));
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(3_000);
    late.resolve();
    await stage.pass(9_800);
    expect(stage.sent).toHaveLength(1);
    await stage.pass(400);
    expect(stage.sent).toHaveLength(2);
    await stage.pass(10_000);
    expect(stage.sent).toHaveLength(3);
  });

  test('made before serve a resource that comes later', async () => {
    const stage = startMonitoring();
    stage.run('a', image('a'));
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(1_000);
    stage.declare('later', everything);
    await stage.pass(1_000);
    expect(stage.tracked('later')).toMatchObject([{ status: 'Available' }]);
    expect(stage.sent).toHaveLength(1);
  });

  test('go on from what was recorded: nothing before its turn, the longest unchecked first', async () => {
    const list = [
      restored('a', { lastMonitorMs: stageStartMs - 4_000 }),
      restored('b', { lastMonitorMs: stageStartMs - 60_000 }),
    ];
    const stage = startMonitoring({ restore: async () => succeed(list) });
    stage.run('a', image('a'));
    stage.run('b', image('b'));
    stage.declare('all', everything);
    await stage.lead();
    // The newest was recorded in whole seconds, so it counts as a second later.
    await stage.pass(6_800);
    expect(stage.sent).toEqual([]);
    await stage.pass(400);
    expect(names(stage.sent)).toEqual(['b']);
  });

  test('wait a slot after a leader that ended without a word', async () => {
    const stage = startMonitoring({ unrecordedUntilMs: stageStartMs });
    stage.run('a', image('a'));
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(9_800);
    expect(stage.sent).toEqual([]);
    await stage.pass(400);
    expect(stage.sent).toHaveLength(1);
  });

  test('of a registry that hangs hold up no other registry', async () => {
    const stage = startMonitoring();
    stage.answerWith(({ reference }) =>
      reference.registry === 'quay.io'
        ? new Promise(() => {})
        : answered({ kind: 'NotFound', message: 'no such image' }),
    );
    for (const name of ['a', 'b', 'c']) stage.run(name, image(name));
    stage.run('other', 'ghcr.io/team/other:1');
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(60_000);
    expect(stage.sent.filter(({ reference }) => reference.registry === 'quay.io')).toHaveLength(2);
    expect(stage.tracked('all').map(({ status }) => status)).toContain('NotFound');
  });

  test('that were refused a quota hold their registry as long as it says', async () => {
    const stage = startMonitoring();
    stage.answerWith(() =>
      answered({
        ...{ kind: 'QuotaExceeded', message: 'too many' },
        retryAtMs: stageStartMs + 100_000,
      }),
    );
    stage.run('a', image('a'));
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(99_000);
    expect(stage.sent).toHaveLength(1);
    expect(stage.tracked('all')).toMatchObject([
      { status: 'QuotaExceeded', lastError: 'too many' },
    ]);
    await stage.pass(2_000);
    expect(stage.sent).toHaveLength(2);
  });
});

test('a private image whose Pods have gone is checked with the Secrets of the last of them', async () => {
  const stage = startMonitoring();
  const auths = { 'quay.io': { username: 'alice', password: 'secret' } };
  stage.secrets.set('apps/pull', {
    kind: 'found',
    isCopy: false,
    secret: {
      ...{ namespace: 'apps', name: 'pull', type: 'kubernetes.io/dockerconfigjson' },
      data: { '.dockerconfigjson': JSON.stringify({ auths }) },
    },
  });
  stage.run('a', image('a'), { pullSecrets: ['pull'] });
  stage.declare('all', everything);
  await stage.lead();
  await stage.pass(1_000);
  stage.pods.remove('apps/a');
  await stage.pass(10_000);
  expect(stage.tracked('all')).toMatchObject([{ unusedSinceMs: expect.any(Number) }]);
  const users = stage.sent.map(({ credentials }) => credentials.map(({ username }) => username));
  expect(users).toEqual([['alice'], ['alice']]);
});

describe('what a routing probe learnt', () => {
  const probe = (name: string) => ({
    reference: { registry: 'quay.io', path: `team/${name}`, tag: '1' },
    ...{ method: 'HEAD' as const, credentials: [], resolveDigest: false, timeoutMs: 1_000 },
  });
  const missing = answered({ kind: 'NotFound', message: 'no such image' });

  test('is told of the image and takes no slot', async () => {
    const stage = startMonitoring();
    stage.run('a', image('a'));
    stage.run('b', image('b'));
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(1_000);
    stage.see(probe('b'), missing);
    await turns();
    const b = stage.tracked('all').find((one) => one.image === image('b'));
    expect(b).toMatchObject({ status: 'NotFound', lastMonitorMs: stageStartMs + 1_000 });
    await stage.pass(10_000);
    expect(names(stage.sent)).toEqual(['a', 'a']);
  });

  test('a moment before its image is tracked counts, too', async () => {
    const stage = startMonitoring({ unrecordedUntilMs: stageStartMs });
    stage.declare('all', everything);
    await stage.lead();
    stage.see(probe('a'), missing);
    stage.run('a', image('a'));
    await stage.pass(600);
    expect(stage.tracked('all')).toMatchObject([
      { status: 'NotFound', lastMonitorMs: stageStartMs },
    ]);
  });
});

describe('what is tracked', () => {
  test('an unused image expires right to the second, after 720 hours too', async () => {
    const stage = startMonitoring({ pace: { intervalMs: 1e10, maxPerInterval: 1 } });
    stage.run('a', image('a'));
    stage.declare('all', { ...everything, unusedImageExpiry: '720h' });
    await stage.lead();
    await stage.pass(1_000);
    stage.pods.remove('apps/a');
    await stage.pass(400);
    expect(stage.tracked('all')).toMatchObject([{ unusedSinceMs: expect.any(Number) }]);
    const sinceMs = stage.tracked('all')[0]?.unusedSinceMs ?? 0;
    const leftMs = sinceMs + 720 * hourMs - stageStartMs - stage.clock.now();
    stage.clock.advance(leftMs - 1_000);
    await turns();
    expect(stage.tracked('all')).toHaveLength(1);
    await stage.pass(1_000);
    expect(stage.tracked('all')).toEqual([]);
    expect(stage.bugs()).toEqual([]);
  });

  test('unused images expire one after the other, whatever comes and goes meanwhile', async () => {
    const stage = startMonitoring();
    const imagesNow = () => stage.tracked('all').map((tracked) => tracked.image);
    for (const name of ['a', 'b', 'c']) stage.run(name, image(name));
    stage.declare('all', { ...everything, unusedImageExpiry: '1m' });
    await stage.lead();
    await stage.pass(1_000);
    stage.pods.remove('apps/a');
    await stage.pass(20_000);
    stage.pods.remove('apps/b');
    await stage.pass(20_000);
    // The first to expire is used again, and the timers that was for it finds nothing to do.
    stage.run('a', image('a'));
    await stage.pass(30_000);
    stage.run('d', image('d'));
    await stage.pass(9_000);
    expect(imagesNow()).toEqual(['a', 'b', 'c', 'd'].map(image));
    await stage.pass(2_000);
    expect(imagesNow()).toEqual(['a', 'c', 'd'].map(image));
    expect(stage.bugs()).toEqual([]);
  });

  test('a resource that goes takes its images along, and nobody is checked for it', async () => {
    const stage = startMonitoring();
    stage.run('a', image('a'));
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(1_000);
    stage.system.follow();
    await stage.pass(30_000);
    expect(stage.sent).toHaveLength(1);
    expect(stage.monitoring.tracked.resources()).toEqual([]);
  });

  test('a resource made anew under its name has the images in use, and none of those before', async () => {
    const stage = startMonitoring();
    stage.run('a', image('a'));
    stage.run('b', image('b'));
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(1_000);
    stage.pods.remove('apps/a');
    await stage.pass(400);
    expect(stage.tracked('all').map((tracked) => tracked.image)).toEqual([image('a'), image('b')]);
    stage.declare('all', everything, 1, 'made anew');
    expect(stage.tracked('all')).toEqual([]);
    await stage.pass(1_000);
    expect(stage.tracked('all').map((tracked) => tracked.image)).toEqual([image('b')]);
    expect(stage.bugs()).toEqual([]);
  });

  test('20,000 images: a check cycle costs less than a millisecond', async () => {
    const pace = { intervalMs: 2_000, maxPerInterval: 2_000 };
    const stage = startMonitoring({ pace });
    // As it is shipped: a line for each transition costs as much as the transition.
    stage.runtime.log.level = 'info';
    for (let index = 0; index < 20_000; index += 1) {
      stage.run(`pod-${index}`, `registry-${index % 40}.example.com/team/app-${index}:1`);
    }
    stage.declare('all', everything);
    await stage.lead();
    await stage.pass(200);
    await turns(500);
    expect(stage.tracked('all')).toHaveLength(20_000);
    const before = stage.checks.length;
    const startedMs = performance.now();
    for (let step = 0; step < 100; step += 1) {
      stage.clock.advance(1);
      await turns(2);
    }
    const cycles = stage.checks.length - before;
    expect(cycles).toBeGreaterThan(1_000);
    expect((performance.now() - startedMs) / cycles).toBeLessThan(1);
    expect(stage.bugs()).toEqual([]);
  }, 30_000);
});
