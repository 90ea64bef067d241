import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { TurnGate } from '#oci/turn-gate.ts';

describe('a gate for the turns of the event loop', () => {
  test('lets so many through at once, and the others in the next turns in their order', async () => {
    const gate = new TurnGate(2);
    const through: number[] = [];
    const pass = async (which: number): Promise<void> => {
      await gate.pass();
      through.push(which);
    };
    const all = Promise.all([1, 2, 3, 4, 5].map(pass));
    await Promise.resolve();
    expect(through).toEqual([1, 2]);
    await nextTurn();
    expect(through).toEqual([1, 2, 3, 4]);
    await all;
    expect(through).toEqual([1, 2, 3, 4, 5]);
  });

  test('is open again after a turn in which nobody came', async () => {
    const gate = new TurnGate(1);
    expect(gate.pass()).toBeUndefined();
    await nextTurn();
    expect(gate.pass()).toBeUndefined();
  });
});
