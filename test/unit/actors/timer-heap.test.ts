import { describe, expect, test } from 'vitest';
import { callbacksPerTurnMax, TimerHeap } from '#actors/timer-heap.ts';
import { createSimulatedTimerHeap } from '#test/support/time/simulated-timer-heap.ts';

const hourMs = 3_600_000;

describe('the heap of timers', () => {
  test('calls back in order of time, and in order of asking where times are equal', () => {
    const heap = createSimulatedTimerHeap();
    const called: string[] = [];
    const ask = (delayMs: number, name: string) => heap.after(delayMs, () => called.push(name));
    ask(30, 'c');
    ask(10, 'a1');
    ask(10, 'a2');
    ask(20, 'b');
    heap.advance(25);
    expect(called).toEqual(['a1', 'a2', 'b']);
    heap.advance(5);
    expect(called).toEqual(['a1', 'a2', 'b', 'c']);
    expect(heap.size).toBe(0);
  });

  test('holds 720 hours to the millisecond, beyond what a Node timer can wait', () => {
    const heap = createSimulatedTimerHeap();
    let calledMs = -1;
    heap.after(720 * hourMs, () => {
      calledMs = heap.now();
    });
    heap.advance(720 * hourMs - 1);
    expect(calledMs).toBe(-1);
    heap.advance(1);
    expect(calledMs).toBe(720 * hourMs);
  });

  test('never asks Node for a delay that it would turn into one millisecond', () => {
    const delaysMs: number[] = [];
    const heap = new TimerHeap(
      () => 0,
      (delayMs) => {
        delaysMs.push(delayMs);
        return () => {};
      },
    );
    heap.after(10_000 * hourMs, () => {});
    expect(delaysMs).toEqual([2_147_483_647]);
  });

  test('runs at most so many callbacks a turn, and the rest in the next', () => {
    const turns: (() => void)[] = [];
    const heap = new TimerHeap(
      () => 0,
      (_delayMs, callback) => {
        turns.push(callback);
        return () => {};
      },
    );
    let called = 0;
    for (let index = 0; index < callbacksPerTurnMax + 10; index++) heap.after(0, () => called++);
    turns.shift()!();
    expect(called).toBe(callbacksPerTurnMax);
    turns.shift()!();
    expect(called).toBe(callbacksPerTurnMax + 10);
    expect(turns).toEqual([]);
  });

  test('forgets what is cancelled, also when nearly all is', () => {
    const heap = createSimulatedTimerHeap();
    const called: number[] = [];
    const cancels = Array.from({ length: 1_000 }, (_, index) =>
      heap.after((index * 7_919) % 1_000, () => called.push(heap.now())),
    );
    for (const cancel of cancels.slice(0, 990)) {
      cancel();
      cancel();
    }
    expect(heap.size).toBe(10);
    heap.advance(1_000);
    expect(called).toHaveLength(10);
    expect(called).toEqual([...called].sort((left, right) => left - right));
    cancels.at(-1)!();
    expect(heap.size).toBe(0);
  });

  test('a callback may ask again, and one that throws keeps no other from being called', () => {
    const heap = createSimulatedTimerHeap();
    let calls = 0;
    heap.after(1, () => {
      throw new Error('a bug');
    });
    heap.after(1, () => heap.after(1, () => calls++));
    expect(() => heap.advance(1)).toThrow('a bug');
    heap.advance(5);
    expect(calls).toBe(1);
  });

  test('after it is closed nothing comes any more', () => {
    const heap = createSimulatedTimerHeap();
    let calls = 0;
    heap.after(1, () => calls++);
    heap.close();
    heap.after(1, () => calls++);
    heap.advance(10);
    expect([calls, heap.size]).toEqual([0, 0]);
  });

  test('refuses a delay that is no number', () => {
    const heap = createSimulatedTimerHeap();
    expect(() => heap.after(Number.NaN, () => {})).toThrow(
      'expected a finite delay in ms, got NaN',
    );
  });

  test('on real time it does not fire early', async () => {
    const heap = new TimerHeap();
    const startMs = performance.now();
    const keepAlive = setInterval(() => {}, 1_000);
    const firedMs = await new Promise<number>((resolve) => {
      heap.after(12.5, () => resolve(performance.now()));
    });
    clearInterval(keepAlive);
    heap.close();
    expect(firedMs - startMs).toBeGreaterThanOrEqual(12.5);
  });
});
