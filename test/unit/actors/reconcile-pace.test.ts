import { expect, onTestFinished, test } from 'vitest';
import { type RoundOutcome, reconcileLogic } from '#actors/reconcile.ts';
import { startLeading } from '#test/support/time/leading-system.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';
import { turns } from '#test/support/time/turns.ts';

const done: RoundOutcome = { kind: 'done' };

function startRounds(answer: () => Promise<RoundOutcome> = async () => done) {
  const runtime = createTestRuntime();
  const { clock } = runtime;
  const startsMs: number[] = [];
  const listeners = new Set<() => void>();
  const logic = reconcileLogic(runtime, {
    ...{ settleMs: 0, paceMs: 1_000 },
    watch: (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    work: (_, signal) => {
      startsMs.push(clock.now());
      expect(signal.aborted).toBe(false);
      return answer();
    },
  });
  const system = startLeading(runtime, ({ whileLeading }) =>
    whileLeading({ id: 'reconcile:work', logic }),
  );
  const advance = async (durationMs: number) => {
    for (let passed = 0; passed < durationMs; passed += 500) {
      clock.advance(Math.min(500, durationMs - passed));
      await turns();
    }
  };
  const change = () => {
    for (const changed of [...listeners]) changed();
  };
  onTestFinished(() => expect(listeners.size).toBe(0));
  onTestFinished(system.stop);
  return { runtime, system, change, startsMs, advance };
}

test('the first change is acted upon at once, a burst of them in one round a second later', async () => {
  const { change, startsMs, advance } = startRounds();
  await advance(0.5);
  for (let changes = 0; changes < 100; changes += 1) change();
  await advance(10_000);
  expect(startsMs).toHaveLength(2);
  expect(startsMs[0]).toBeLessThanOrEqual(0.5);
  expect(startsMs[1]).toBeGreaterThanOrEqual(1_000);
});

test('what changes during a round is not lost', async () => {
  const { promise, resolve } = Promise.withResolvers<RoundOutcome>();
  const { change, startsMs, advance } = startRounds(() => promise);
  await advance(500);
  change();
  await advance(5_000);
  expect(startsMs).toHaveLength(1);
  resolve(done);
  await advance(2_000);
  expect(startsMs).toHaveLength(2);
});

test('a round says when the next is due, and one that failed is tried again', async () => {
  const outcomes: RoundOutcome[] = [
    { kind: 'done', dueInMs: 60_000 },
    { kind: 'failed', message: 'no', retryInMs: 15_000 },
  ];
  const { startsMs, advance } = startRounds(async () => outcomes.shift() ?? done);
  await advance(200_000);
  expect(startsMs).toHaveLength(3);
  expect((startsMs[2] ?? 0) - (startsMs[1] ?? 0)).toBeGreaterThanOrEqual(15_000);
});

test('no change brings a round while the API server wants to be left alone', async () => {
  const outcomes: RoundOutcome[] = [
    { kind: 'failed', message: 'no', retryInMs: 40_000, quietMs: 40_000 },
  ];
  const { change, startsMs, advance } = startRounds(async () => outcomes.shift() ?? done);
  await advance(20_000);
  change();
  await advance(19_000);
  expect(startsMs).toHaveLength(1);
  await advance(2_000);
  expect(startsMs).toHaveLength(2);
});

test('a bug is told and ends nothing; after the stop there is no further round', async () => {
  let isBroken = true;
  const { runtime, system, change, startsMs, advance } = startRounds(async () => {
    if (isBroken) throw new Error('bug');
    return done;
  });
  await advance(500);
  isBroken = false;
  await advance(20_000);
  expect(startsMs).toHaveLength(2);
  expect(runtime.lines().filter(({ msg }) => msg === 'an actor crashed')).toMatchObject([
    { actor: 'reconcile:work', err: { message: 'bug' } },
  ]);
  expect(await runtime.text()).toContain('actor_crashes_total{type="reconcile"} 1');
  system.follow();
  change();
  await advance(60_000);
  expect(startsMs).toHaveLength(2);
});
