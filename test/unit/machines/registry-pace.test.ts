import { describe, expect, test } from 'vitest';
import { slotMs, startChart } from '#test/support/registries/registry-chart.ts';

describe('the pace of a registry', () => {
  test('is idle while nobody waits, and takes a turn at once where nobody was checked', () => {
    const { actor, at, clock, turnsTaken } = startChart();
    clock.advance(60_000);
    expect(at().pace).toBe('Idle');
    actor.send({ type: 'turns.wanted' });
    expect(at().pace).toBe('Waiting');
    clock.advance(0);
    expect([at().pace, turnsTaken()]).toEqual(['Taking', 1]);
  });

  test('waits a slot from when the request left, however long the turn was taken', () => {
    const { actor, at, clock, turnsTaken } = startChart();
    actor.send({ type: 'turns.wanted' });
    clock.advance(12_000);
    actor.send({ type: 'turns.wanted' });
    expect(at().pace).toBe('Taking');
    actor.send({ type: 'turn.began', atMs: clock.now(), isWanted: false });
    expect([at().pace, turnsTaken()]).toEqual(['Idle', 1]);
    actor.send({ type: 'turns.wanted' });
    clock.advance(slotMs - 1);
    expect(at().pace).toBe('Waiting');
    clock.advance(1);
    expect([at().pace, turnsTaken()]).toEqual(['Taking', 2]);
  });

  test('waits longer when it hears of a later check, and no longer when nobody waits', () => {
    const { actor, at, clock } = startChart({ lastMs: 0 });
    actor.send({ type: 'turns.wanted' });
    clock.advance(5_000);
    actor.send({ type: 'checks.counted', atMs: 3_000 });
    actor.send({ type: 'checks.counted', atMs: 2_000 });
    clock.advance(7_999);
    expect(at().pace).toBe('Waiting');
    actor.send({ type: 'turns.unwanted' });
    clock.advance(60_000);
    expect(at().pace).toBe('Idle');
  });

  test('is held while a quota is used up, whatever the slots, and goes on after that', () => {
    const { actor, at, clock } = startChart({ lastMs: 0 });
    actor.send({ type: 'turns.wanted' });
    actor.send({ type: 'turn.refused', atMs: 0, untilMs: 30_000 });
    expect(at().pace).toBe('Held');
    clock.advance(29_000);
    actor.send({ type: 'turn.refused', atMs: 29_000, untilMs: 40_000 });
    clock.advance(10_999);
    expect(at().pace).toBe('Held');
    clock.advance(1);
    expect(actor.getSnapshot().context.heldUntilMs).toBeNull();
    clock.advance(0);
    expect(at().pace).toBe('Taking');
  });

  test('remembers a hold that it hears of while a turn is taken, or while nobody waits', () => {
    const { actor, at, clock } = startChart();
    actor.send({ type: 'turns.wanted' });
    clock.advance(0);
    actor.send({ type: 'turn.refused', atMs: 0, untilMs: 30_000 });
    expect(at().pace).toBe('Taking');
    actor.send({ type: 'turn.began', atMs: 0, isWanted: false });
    actor.send({ type: 'turns.wanted' });
    expect(at().pace).toBe('Held');
    actor.send({ type: 'turns.unwanted' });
    expect(at().pace).toBe('Idle');
    actor.send({ type: 'turns.wanted' });
    expect(at().pace).toBe('Held');
  });

  test('guesses growing holds where nothing is said, and short ones after an answer', () => {
    const { actor } = startChart();
    const heldMs = () => {
      actor.send({ type: 'turn.refused', atMs: 0, untilMs: undefined });
      return actor.getSnapshot().context.heldUntilMs;
    };
    expect([heldMs(), heldMs(), heldMs()]).toEqual([20_000, 40_000, 80_000]);
    actor.send({ type: 'turn.answered' });
    expect(actor.getSnapshot().context.guesses).toBe(0);
  });
});
