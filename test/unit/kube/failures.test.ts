import { describe, expect, test } from 'vitest';
import { statusFailure } from '#kube/failures.ts';

const sentAt = 'Wed, 21 Oct 2026 07:28:00 GMT';

describe('Retry-After of the API server, or of what stands in front of it', () => {
  test.each([
    ['seconds', { 'retry-after': '7' }, 7_000],
    ['a date, by the clock of the sender', { 'retry-after': dateAfter(30), date: sentAt }, 30_000],
    ['a date that has passed', { 'retry-after': dateAfter(-30), date: sentAt }, 0],
    ['neither', { 'retry-after': 'soon' }, undefined],
    ['a negative number', { 'retry-after': '-5' }, undefined],
  ])('%s', (_, headers, expected) => {
    expect(waitOf(headers)).toBe(expected);
  });

  test('a date without the clock of the sender is measured with ours', () => {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    const waitMs = waitOf({ 'retry-after': inAMinute }) ?? 0;
    expect(waitMs).toBeGreaterThan(30_000);
    expect(waitMs).toBeLessThanOrEqual(60_000);
  });

  test('of the Status counts where no header says anything', () => {
    const text = JSON.stringify({ details: { retryAfterSeconds: 3 } });
    expect(statusFailure(429, text)).toMatchObject({ retryAfterMs: 3_000 });
    expect(statusFailure(429, text, { 'retry-after': '9' })).toMatchObject({ retryAfterMs: 9_000 });
  });
});

function waitOf(headers: Readonly<Record<string, string>>): number | undefined {
  const failure = statusFailure(429, '', headers);
  return failure.kind === 'status' ? failure.retryAfterMs : undefined;
}

function dateAfter(seconds: number): string {
  return new Date(Date.parse(sentAt) + seconds * 1_000).toUTCString();
}
