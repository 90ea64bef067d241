import { describe, expect, test } from 'vitest';
import type { CopyFailure, CopyFailureReason } from '#core/mirroring/copy-outcome.ts';
import { judgeFailure } from '#core/mirroring/copy-retry.ts';

const nowMs = 1_000_000_000;

function judged(reason: CopyFailureReason, failures: number, more: Partial<CopyFailure> = {}) {
  const failure = { kind: 'failed', side: 'source', reason, message: 'x', ...more } as const;
  return judgeFailure(failure, { failures, nowMs, random: 0 });
}

describe('a copy that failed', () => {
  test.each([
    [1, 1_000],
    [2, 2_000],
    [10, 512_000],
    [11, 1_000_000],
    [5_000, 1_000_000],
  ])('is tried again after 1 s, doubling to 1000 s: failure %i', (failures, retryInMs) => {
    expect(judged('unreachable', failures)).toMatchObject({ state: 'BackingOff', retryInMs });
  });

  test.each<[CopyFailureReason, string]>([
    ['not-found', 'BackingOff'],
    ['source-denied', 'BackingOff'],
    ['no-space', 'BackingOff'],
    ['denied', 'Failed'],
    ['immutable-tag', 'Failed'],
    ['no-platform', 'Failed'],
    ['out-of-bounds', 'Failed'],
  ])('for %s is %s', (reason, state) => {
    expect(judged(reason, 1).state).toBe(state);
  });

  test('for what time does not heal is tried again after an hour', () => {
    expect(judged('denied', 40).retryInMs).toBe(3_600_000);
  });

  test('waits for as long as the registry says, a day at most', () => {
    expect(judged('throttled', 1, { retryAtMs: nowMs + 60_000 }).retryInMs).toBe(60_000);
    expect(judged('throttled', 1, { retryAtMs: nowMs - 60_000 }).retryInMs).toBe(1_000);
    expect(judged('throttled', 1, { retryAtMs: nowMs * 9 }).retryInMs).toBe(86_400_000);
  });

  test('comes back apart from others, and says why on one line of 256 bytes', () => {
    const failure = {
      kind: 'failed',
      side: 'target',
      reason: 'unreachable',
      message: 'é\n'.repeat(300),
    } as const;
    const { retryInMs, lastError } = judgeFailure(failure, { failures: 1, nowMs, random: 1 });
    expect(retryInMs).toBe(900);
    expect(Buffer.byteLength(lastError)).toBeLessThanOrEqual(256);
    expect(lastError).not.toContain('\n');
  });
});
