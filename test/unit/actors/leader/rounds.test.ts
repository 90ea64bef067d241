import { expect, onTestFinished, test } from 'vitest';
import { createRounds, type RoundEnd } from '#actors/leader/rounds.ts';
import { settled } from '#test/support/registries/registries-stage.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

function startRounds(answer: () => Promise<RoundEnd> = async () => ({ kind: 'done' })) {
  const clock = createSimulatedTimerHeap();
  const startsMs: number[] = [];
  const bugs: unknown[] = [];
  const rounds = createRounds({
    ...{ clock, everyMs: 1_000, retryMs: 15_000 },
    run: (signal) => {
      startsMs.push(clock.now());
      expect(signal.aborted).toBe(false);
      return answer();
    },
    onBug: (error) => bugs.push(error),
  });
  onTestFinished(rounds.stop);
  const advance = async (durationMs: number) => {
    for (let passed = 0; passed < durationMs; passed += 500) {
      clock.advance(Math.min(500, durationMs - passed));
      await settled();
    }
  };
  return { rounds, startsMs, bugs, advance };
}

test('the first change is acted upon at once, a burst of them in one round a second later', async () => {
  const { rounds, startsMs, advance } = startRounds();
  rounds.plan();
  await advance(0.5);
  for (let changes = 0; changes < 100; changes += 1) rounds.plan();
  await advance(10_000);
  expect(startsMs).toHaveLength(2);
  expect(startsMs[1]).toBeGreaterThanOrEqual(1_000);
});

test('what changes during a round is not lost', async () => {
  const { promise, resolve } = Promise.withResolvers<RoundEnd>();
  const { rounds, startsMs, advance } = startRounds(() => promise);
  rounds.plan();
  await advance(500);
  rounds.plan();
  await advance(5_000);
  expect(startsMs).toHaveLength(1);
  resolve({ kind: 'done' });
  await advance(2_000);
  expect(startsMs).toHaveLength(2);
});

test('a round says when the next is due, and one that failed is tried again', async () => {
  const ends: RoundEnd[] = [{ kind: 'done', nextInMs: 60_000 }, { kind: 'failed' }];
  const { rounds, startsMs, advance } = startRounds(async () => ends.shift() ?? { kind: 'done' });
  rounds.plan();
  await advance(200_000);
  expect(startsMs).toHaveLength(3);
  expect((startsMs[2] ?? 0) - (startsMs[1] ?? 0)).toBeGreaterThanOrEqual(15_000);
});

test('no change brings a round while the API server wants to be left alone', async () => {
  const ends: RoundEnd[] = [{ kind: 'failed', quietMs: 40_000 }];
  const { rounds, startsMs, advance } = startRounds(async () => ends.shift() ?? { kind: 'done' });
  rounds.plan();
  await advance(20_000);
  rounds.plan();
  await advance(19_000);
  expect(startsMs).toHaveLength(1);
  await advance(2_000);
  expect(startsMs).toHaveLength(2);
});

test('a bug is told and ends nothing; after the stop there is no further round', async () => {
  const { rounds, startsMs, bugs, advance } = startRounds(() => Promise.reject(new Error('bug')));
  rounds.plan();
  await advance(20_000);
  expect([startsMs.length, bugs.length]).toEqual([2, 2]);
  rounds.stop();
  rounds.plan();
  await advance(60_000);
  expect(startsMs).toHaveLength(2);
});
