import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { IdleWait } from '#oci/idle-wait.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** So many that ask for a connection at once; how many have gone on. */
function enterAll(wait: IdleWait, count: number) {
  let entered = 0;
  for (let index = 0; index < count; index += 1) {
    void wait.enter().then(() => {
      entered += 1;
    });
  }
  return async (afterMs = 0) => {
    await vi.advanceTimersByTimeAsync(afterMs);
    return entered;
  };
}

describe('a request that finds all kept connections busy', () => {
  test('gets the next that is free, in the order of coming', async () => {
    const wait = new IdleWait();
    const entered = enterAll(wait, 10);
    expect(await entered()).toBe(4);
    for (let free = 1; free <= 6; free += 1) {
      wait.leave();
      expect(await entered(5)).toBe(4 + free);
    }
  });

  test('opens another one when none becomes free for 20 ms', async () => {
    const wait = new IdleWait();
    const entered = enterAll(wait, 10);
    expect(await entered(15)).toBe(4);
    wait.leave();
    expect(await entered(15)).toBe(5);
    expect(await entered(5)).toBe(10);
  });

  test('opens another one after 100 ms, however well it goes on', async () => {
    const wait = new IdleWait();
    const entered = enterAll(wait, 100);
    for (let atMs = 0; atMs < 90; atMs += 10) {
      wait.leave();
      await entered(10);
    }
    expect(await entered()).toBe(4 + 9);
    expect(await entered(10)).toBe(100);
  });

  test('opens another one at once where no answer ever took less than 20 ms', async () => {
    const wait = new IdleWait();
    wait.took(300);
    wait.took(90);
    expect(await enterAll(wait, 10)()).toBe(10);
    // Slow for a moment is not far away.
    const near = new IdleWait();
    near.took(2);
    near.took(500);
    expect(await enterAll(near, 10)()).toBe(4);
  });
});
