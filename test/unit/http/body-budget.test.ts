import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { BodyBudget, type BodyShare } from '#http/body-budget.ts';

const piece = 10_000;

/** A request of which all that matters here is whether it was closed. */
function request() {
  const closed = { value: false };
  const destroy = () => {
    closed.value = true;
  };
  const share: BodyShare = { request: { destroy } as unknown as IncomingMessage, bytes: 0 };
  return { share, closed };
}

describe('the budget of all bodies', () => {
  test('closes whom has waited longest for its next byte, and no other', () => {
    const budget = new BodyBudget(35_000);
    const [first, second, third, fourth] = [request(), request(), request(), request()];
    for (const { share } of [first, second, third]) budget.received(share, piece);
    // The first goes on, so the second is the slowest now.
    budget.received(first.share, 1);
    budget.received(fourth.share, piece);
    const all = [first, second, third, fourth].map(({ closed }) => closed.value);
    expect(all).toEqual([false, true, false, false]);
    expect(budget.bytes).toBeLessThanOrEqual(35_000);
  });

  test('counts bodies that are whole until they are answered, and closes none of them', () => {
    const budget = new BodyBudget(25_000);
    const [whole, late] = [request(), request()];
    budget.received(whole.share, piece);
    budget.received(whole.share, piece);
    budget.complete(whole.share);
    budget.received(late.share, piece);
    expect([whole.closed.value, late.closed.value]).toEqual([false, true]);
    budget.release(whole.share);
    expect(budget.bytes).toBe(0);
  });

  test('is not got around in bytes that come one by one', () => {
    const budget = new BodyBudget(100_000);
    const { share, closed } = request();
    for (let sent = 0; sent < 1_000; sent += 1) budget.received(share, 1);
    expect(closed.value).toBe(true);
    expect(budget.bytes).toBeLessThanOrEqual(100_000);
  });

  test('is free again, however a request ends and however often that is told', () => {
    const budget = new BodyBudget(100_000);
    const { share } = request();
    budget.received(share, piece);
    budget.release(share);
    budget.release(share);
    budget.complete(share);
    expect(budget.bytes).toBe(0);
  });
});
