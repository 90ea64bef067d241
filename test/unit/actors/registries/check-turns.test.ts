import { describe, expect, test } from 'vitest';
import { quotaHoldMsMax, recordedMsMax } from '#core/monitoring/pace.ts';
import { host, startTurns } from '#test/support/registries/turns-stage.ts';
import { startOfTime } from '#test/support/time/test-runtime.ts';

describe('the order of checks', () => {
  test('is never-checked first, as they came, then the longest unchecked', async () => {
    const { turns, checkUntil } = startTurns();
    turns.add(host, 'late', { checkedMs: -1_000 });
    turns.add(host, 'early', { checkedMs: -9_000 });
    turns.add(host, 'new-1', {});
    turns.add(host, 'new-2', {});
    turns.open();
    const order: string[] = [];
    for (const atMs of [0, 10_000, 20_000, 30_000, 40_000]) order.push(...(await checkUntil(atMs)));
    expect(order).toEqual(['new-1', 'new-2', 'early', 'late', 'new-1']);
  });

  test('has the namespaces of those never checked in turn, however many images one brings', async () => {
    const { turns, checkUntil } = startTurns();
    const add = (namespace: string, ...keys: string[]) => {
      for (const key of keys) turns.add(host, key, { namespace });
    };
    turns.add(host, 'old', { checkedMs: -90_000, namespace: 'quiet' });
    add('loud', 'l1', 'l2', 'l3');
    add('other', 'o1', 'o2');
    add('quiet', 'q1');
    turns.open();
    const order: string[] = [];
    for (let atMs = 0; atMs <= 60_000; atMs += 10_000) order.push(...(await checkUntil(atMs)));
    expect(order).toEqual(['l1', 'o1', 'q1', 'l2', 'o2', 'l3', 'old']);
  });

  test('an image that was learnt of otherwise goes to the end and takes no slot', async () => {
    const { turns, checkUntil } = startTurns();
    turns.add(host, 'a', { checkedMs: -3_000 });
    turns.add(host, 'b', { checkedMs: -2_000 });
    turns.spare(host, 'a', 0);
    turns.spare(host, 'unknown', 0);
    turns.open();
    expect(await checkUntil(0)).toEqual(['b']);
    expect(await checkUntil(10_000)).toEqual(['a']);
  });

  test('one that is removed does not come back, not even from its check', async () => {
    const { turns, until, taken, paceIs } = startTurns();
    turns.add(host, 'a', {});
    turns.add(host, 'b', {});
    turns.open();
    until(0);
    taken[0]?.begin();
    turns.remove(host, 'a');
    await taken[0]?.end();
    turns.remove(host, 'b');
    expect(paceIs()).toBe('Idle');
    expect(until(60_000)).toEqual([]);
    expect(turns.figures()).toMatchObject([{ queued: 0, inFlight: 0 }]);
  });

  test('one that left and came again while it was checked has one place in line', async () => {
    const { turns, until, taken } = startTurns();
    turns.add(host, 'a', {});
    turns.open();
    until(0);
    turns.remove(host, 'a');
    turns.add(host, 'a', {});
    await taken[0]?.end();
    expect(turns.figures()).toMatchObject([{ queued: 1, inFlight: 0 }]);
  });
});

describe('the pace of checks', () => {
  test('is at once when the last check is a slot ago, and a slot apart from then on', async () => {
    const { turns, checkUntil, until } = startTurns();
    until(5);
    for (const key of ['a', 'b', 'c']) turns.add(host, key, {});
    turns.open();
    expect(await checkUntil(5)).toEqual(['a']);
    expect(await checkUntil(10_004)).toEqual([]);
    expect(await checkUntil(10_005)).toEqual(['b']);
    expect(await checkUntil(50_000)).toEqual(['c']);
  });

  test('counts from when the request left, and nobody is taken before that', () => {
    const { turns, until, taken, paceIs } = startTurns();
    turns.add(host, 'a', {});
    turns.add(host, 'b', {});
    turns.open();
    expect(until(0)).toEqual(['a']);
    expect(paceIs()).toBe('Taking');
    expect(until(12_000)).toEqual([]);
    taken[0]?.begin();
    expect(until(21_999)).toEqual([]);
    expect(until(22_000)).toEqual(['b']);
  });

  test('counts from the first answer, too: what the first request needs is loaded late', async () => {
    const { turns, until, taken } = startTurns();
    for (const key of ['a', 'b', 'c']) turns.add(host, key, {});
    turns.open();
    until(0);
    taken[0]?.begin();
    until(3_000);
    await taken[0]?.end();
    expect(until(12_999)).toEqual([]);
    expect(until(13_000)).toEqual(['b']);
    taken[1]?.begin();
    until(16_000);
    await taken[1]?.end();
    expect(until(23_000)).toEqual(['c']);
  });

  test('is kept only by what is open, and by so many checks at once', async () => {
    const { turns, until, taken, paceIs } = startTurns();
    for (const key of ['a', 'b', 'c']) turns.add(host, key, {});
    expect([until(60_000), paceIs()]).toEqual([[], 'Idle']);
    turns.open();
    for (const atMs of [60_000, 70_000]) {
      until(atMs);
      taken.at(-1)?.begin();
    }
    expect([until(200_000), paceIs()]).toEqual([[], 'Idle']);
    expect(turns.figures()).toMatchObject([{ queued: 1, inFlight: 2, lagMs: 120_000 }]);
    await taken[0]?.end();
    until(210_000);
    expect(taken.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  });

  test('is one for all names of one host', async () => {
    const { turns, checkUntil, taken } = startTurns();
    turns.add('Registry.Example.com:443', 'a', {});
    turns.add('registry.example.com.', 'b', {});
    turns.open();
    expect(await checkUntil(0)).toEqual(['a']);
    expect(await checkUntil(9_999)).toEqual([]);
    expect(await checkUntil(10_000)).toEqual(['b']);
    expect(taken.map((turn) => turn.host)).toEqual([host, host]);
    expect(turns.figures()).toMatchObject([{ registry: host }]);
    turns.recorded('REGISTRY.example.com', startOfTime + 10_000);
    expect(await checkUntil(20_999)).toEqual([]);
    expect(await checkUntil(21_000)).toEqual(['a']);
  });

  test('is that of each registry by itself', () => {
    const { turns, until } = startTurns();
    turns.add(host, 'a', {});
    turns.add('other.example.com', 'b', {});
    turns.open();
    expect(until(0)).toEqual(['a', 'b']);
  });

  test('a check that throws is told and has used its slot; the image stays in line', async () => {
    const { turns, until, taken, runtime } = startTurns();
    turns.add(host, 'a', {});
    turns.open();
    until(0);
    await taken[0]?.crash(new Error('a bug'));
    const crash = { actor: `check:${host}`, err: expect.objectContaining({ message: 'a bug' }) };
    expect(runtime.lines()).toContainEqual(expect.objectContaining(crash));
    expect(await runtime.text()).toMatch(/actor_crashes_total\{[^}]*"check"[^}]*\} 1/);
    expect(until(9_999)).toEqual([]);
    expect(until(10_000)).toEqual(['a']);
  });
});

describe('a quota that is used up', () => {
  test('holds the checks until the registry said, a day at most, and is told of', async () => {
    const { turns, until, taken, paceIs } = startTurns();
    turns.add(host, 'a', {});
    turns.open();
    until(0);
    taken[0]?.begin();
    taken[0]?.quotaExceeded(90_000);
    await taken[0]?.end();
    expect(paceIs()).toBe('Held');
    expect(turns.figures()).toMatchObject([{ heldUntilMs: startOfTime + 90_000, lagMs: 0 }]);
    expect(until(89_999)).toEqual([]);
    expect(until(90_000)).toEqual(['a']);
    taken[1]?.quotaExceeded(10 * quotaHoldMsMax);
    await taken[1]?.end();
    expect(until(90_000 + quotaHoldMsMax - 1)).toEqual([]);
    expect(until(90_000 + quotaHoldMsMax)).toEqual(['a']);
  });

  test('holds them for growing times where nothing is said, until it answers again', async () => {
    const { turns, until, taken, clock } = startTurns();
    turns.add(host, 'a', {});
    turns.open();
    until(0);
    const waitsMs: number[] = [];
    const refuse = async () => {
      const atMs = clock.now();
      const turn = taken.at(-1);
      turn?.begin();
      turn?.quotaExceeded(undefined);
      await turn?.end();
      while (taken.at(-1) === turn) until(clock.now() + 1_000);
      waitsMs.push(clock.now() - atMs);
    };
    for (let round = 0; round < 3; round += 1) await refuse();
    taken.at(-1)?.answered();
    await refuse();
    expect(waitsMs).toEqual([20_000, 40_000, 80_000, 20_000]);
  });
});

describe('a term', () => {
  test('begins where the statuses of the one before say, and where nobody recorded anything', () => {
    const first = startTurns();
    first.turns.recorded(host, startOfTime - 4_000);
    first.turns.recorded(host, startOfTime - 7_000);
    first.turns.recorded(host, undefined);
    first.turns.add(host, 'a', {});
    first.turns.open();
    expect(first.until(5_999 + recordedMsMax)).toEqual([]);
    expect(first.until(6_000 + recordedMsMax)).toEqual(['a']);
    const crashed = startTurns({ unrecordedUntilMs: startOfTime - 2_000 });
    crashed.turns.add(host, 'a', {});
    crashed.turns.open();
    expect([crashed.until(7_999), crashed.until(8_000)]).toEqual([[], ['a']]);
    const unknown = startTurns({ unrecordedUntilMs: 'unknown' });
    unknown.turns.recorded(host, undefined);
    unknown.turns.add(host, 'a', {});
    unknown.turns.open();
    expect([unknown.until(9_999), unknown.until(10_000)]).toEqual([[], ['a']]);
  });

  test('takes no turn after its end, and the next remembers its last check', async () => {
    const { turns, until, taken, begin, paceIs } = startTurns();
    turns.add(host, 'a', {});
    turns.add(host, 'b', {});
    turns.open();
    until(0);
    taken[0]?.begin();
    turns.end();
    expect([until(5_000), paceIs(), turns.figures()]).toEqual([[], 'Idle', []]);
    begin();
    turns.add(host, 'b', {});
    turns.open();
    // Its answer is the first of this registry, whichever term the turn is of.
    await taken[0]?.end();
    expect(turns.figures()).toMatchObject([{ queued: 1, inFlight: 0 }]);
    expect(until(14_999)).toEqual([]);
    expect(until(15_000)).toEqual(['b']);
  });

  test('without one nobody gets in line', () => {
    const { turns, until } = startTurns();
    turns.end();
    turns.add(host, 'a', {});
    turns.recorded(host, startOfTime);
    turns.remove(host, 'a');
    turns.open();
    expect([until(60_000), turns.figures()]).toEqual([[], []]);
    expect(turns.slotMsOf(host)).toBe(10_000);
  });
});
