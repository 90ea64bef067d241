import { describe, expect, test } from 'vitest';
import {
  asksAgainWithGet,
  classify,
  classifyDigest,
  combine,
  endsTheTrying,
  isRetryable,
  type ManifestAttempt,
  makesSuspect,
} from '#core/probe.ts';

const message = 'what came';
const answer = (status: number, more: object = {}): ManifestAttempt => ({
  kind: 'answer',
  status,
  message,
  ...more,
});
const failure = (cause: 'dns' | 'refused' | 'reset' | 'tls' | 'timeout' | 'forbidden') =>
  ({ kind: 'connection', cause, message }) as const;
const causes = ['dns', 'refused', 'reset', 'tls', 'timeout', 'forbidden'] as const;

describe('one attempt', () => {
  test.each([
    [200, 'Available'],
    [404, 'NotFound'],
    [401, 'InvalidAuth'],
    [403, 'InvalidAuth'],
    [429, 'QuotaExceeded'],
    [204, 'Unreachable'],
    [302, 'Unreachable'],
    [400, 'Unreachable'],
    [410, 'Unreachable'],
    [500, 'Unreachable'],
  ])('answered with %d is %s', (status, kind) => {
    expect(classify(answer(status)).kind).toBe(kind);
  });

  test('with nothing left is an exceeded quota, unless it is about the image or the right', () => {
    for (const status of [200, 500, 410, 429]) {
      expect(classify(answer(status, { quotaRemaining: 0, retryAtMs: 7 }))).toEqual({
        kind: 'QuotaExceeded',
        message,
        retryAtMs: 7,
      });
    }
    expect(classify(answer(404, { quotaRemaining: 0 })).kind).toBe('NotFound');
    expect(classify(answer(401, { quotaRemaining: 0 })).kind).toBe('InvalidAuth');
  });

  test.each(causes)('that failed by %s keeps that', (cause) => {
    expect(classify(failure(cause))).toEqual({ kind: 'Unreachable', cause, message });
  });

  test('is repeated only where a 5xx or a reset may heal', () => {
    expect([500, 502, 503, 504].every((status) => isRetryable('GET', answer(status)))).toBe(true);
    expect([200, 401, 404, 410, 429].some((status) => isRetryable('GET', answer(status)))).toBe(
      false,
    );
    expect(isRetryable('GET', answer(503, { quotaRemaining: 0 }))).toBe(false);
    expect(causes.filter((cause) => isRetryable('GET', failure(cause)))).toEqual(['reset']);
    expect(isRetryable('GET', { kind: 'protocol', message })).toBe(false);
  });

  test('is not repeated with HEAD where that is not implemented: GET comes next', () => {
    expect(isRetryable('HEAD', answer(501))).toBe(false);
    expect(isRetryable('GET', answer(501))).toBe(true);
  });

  test('with HEAD is asked again with GET where the method is refused', () => {
    expect(asksAgainWithGet('HEAD', answer(405))).toBe(true);
    expect(asksAgainWithGet('HEAD', answer(501))).toBe(true);
    expect(asksAgainWithGet('GET', answer(405))).toBe(false);
    expect(asksAgainWithGet('HEAD', answer(404))).toBe(false);
  });

  test('ends the trying when the registry is in trouble, not when it is about the credential', () => {
    expect([200, 429, 500, 503].every((status) => endsTheTrying(answer(status)))).toBe(true);
    expect([400, 401, 403, 404, 410].some((status) => endsTheTrying(answer(status)))).toBe(false);
    expect(causes.every((cause) => endsTheTrying(failure(cause)))).toBe(true);
  });
});

describe('the digest of a tag', () => {
  test('that is not there makes the tag not found', () => {
    expect(classifyDigest('HEAD', answer(404))).toEqual({
      kind: 'NotFound',
      message: `tag/digest inconsistency: ${message}`,
    });
  });

  test('that cannot be asked for with HEAD counts as available', () => {
    expect(classifyDigest('HEAD', answer(405)).kind).toBe('Available');
    expect(classifyDigest('HEAD', answer(501)).kind).toBe('Available');
    expect(classifyDigest('GET', answer(405)).kind).toBe('Unreachable');
    expect(classifyDigest('HEAD', answer(500)).kind).toBe('Unreachable');
  });
});

describe('several credentials', () => {
  const trial = (attempt: ManifestAttempt) => ({
    outcome: classify(attempt),
    ended: endsTheTrying(attempt),
  });
  test.each([
    [[401, 200], 'Available'],
    [[404, 200], 'Available'],
    [[410, 200], 'Available'],
    [[401, 403], 'InvalidAuth'],
    [[403, 404, 401], 'NotFound'],
    [[404, 500], 'Unreachable'],
    [[404, 429], 'QuotaExceeded'],
    [[401, 410], 'Unreachable'],
    [[410, 404], 'NotFound'],
  ])('that got %j come to %s', (statuses, kind) => {
    expect(combine(statuses.map((status) => trial(answer(status)))).kind).toBe(kind);
  });
});

test('a connection that failed or timed out makes a suspect, an answer and our own rules never', () => {
  const unreachable = (cause: (typeof causes)[number] | 'answer') =>
    ({ kind: 'Unreachable', cause, message }) as const;
  expect(causes.filter((cause) => makesSuspect(unreachable(cause)))).toEqual([
    'dns',
    'refused',
    'reset',
    'tls',
    'timeout',
  ]);
  expect(makesSuspect(unreachable('answer'))).toBe(false);
  // One that said something before is slow, not silent.
  expect(makesSuspect({ ...unreachable('timeout'), answered: true })).toBe(false);
  for (const status of [200, 401, 404, 429]) {
    expect(makesSuspect(classify(answer(status)))).toBe(false);
  }
});
