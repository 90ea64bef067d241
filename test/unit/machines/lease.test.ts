import { describe, expect, test } from 'vitest';
import { type AnyMachineSnapshot, initialTransition, transition } from 'xstate';
import { leaseMachine, type RenewOutcome } from '#machines/lease.ts';

describe('the machine of the Lease', () => {
  const input = { renewDeadlineMs: 10_000, renewedAtMs: 5_000, retryInMs: 2_000 };
  // Without a parent there is nobody to be told of a renewal.
  const machine = leaseMachine.provide({ actions: { tell: () => {} } });
  const reach = (...events: { type: string }[]): AnyMachineSnapshot => {
    let [snapshot] = initialTransition(machine, input);
    for (const event of events) [snapshot] = transition(machine, snapshot, event as never);
    return snapshot;
  };
  const due = { type: 'xstate.after.retryDelay.lease.Holding' };
  const renewal = (output: RenewOutcome) => ({
    type: 'xstate.done.actor.0.lease.Renewing',
    output,
  });

  test('renews it after a while, and holds it again', () => {
    expect(reach().value).toBe('Holding');
    expect(reach(due).value).toBe('Renewing');
    const renewed = reach(due, renewal({ kind: 'renewed', atMs: 9_000, retryInMs: 7 }));
    expect(renewed).toMatchObject({
      value: 'Holding',
      context: { renewedAtMs: 9_000, retryInMs: 7 },
    });
  });

  test('goes on after a renewal that failed, until it runs out', () => {
    const failed = [due, renewal({ kind: 'failed', message: 'away', retryInMs: 7 })];
    expect(reach(...failed)).toMatchObject({ value: 'Holding', context: { renewedAtMs: 5_000 } });
    for (const state of ['Holding', 'Renewing']) {
      const expiry = { type: `xstate.after.untilExpiry.lease.${state}` };
      const lost = reach(...failed, ...(state === 'Renewing' ? [due] : []), expiry);
      const message = 'The Lease was not renewed for 10000 ms.';
      expect(lost).toMatchObject({ value: 'Lost', output: { message, retryInMs: 7 } });
    }
  });

  test('loses it to another at once', () => {
    const taken = renewal({ kind: 'taken', message: 'another has it', retryInMs: 7 });
    expect(reach(due, taken)).toMatchObject({
      value: 'Lost',
      output: { message: 'another has it', retryInMs: 7 },
    });
  });

  test('a renewal that throws crashes it with its own error', () => {
    const error = new Error('a bug');
    const threw = { type: 'xstate.error.actor.0.lease.Renewing', error };
    expect(reach(due, threw)).toMatchObject({ status: 'error', error });
  });
});
