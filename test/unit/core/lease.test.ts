import { expect, test } from 'vitest';
import { claimLease, releaseLease } from '#core/lease.ts';

const claim = (identity: string, now: string) => ({ identity, durationMs: 15_000, now });

test('a Lease taken from one that did not let go says when, through all later terms', () => {
  const first = claimLease(null, claim('a', 't1'));
  expect(first.expiredTime).toBeUndefined();
  expect(claimLease(releaseLease(first, 't2'), claim('b', 't3')).expiredTime).toBeUndefined();
  const taken = claimLease(first, claim('b', 't4'));
  expect(taken.expiredTime).toBe('t4');
  expect(claimLease(taken, claim('b', 't5')).expiredTime).toBe('t4');
  expect(claimLease(releaseLease(taken, 't6'), claim('c', 't7')).expiredTime).toBe('t4');
});
