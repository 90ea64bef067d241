import { describe, expect, test } from 'vitest';
import { readQuota } from '#oci/quota.ts';

const nowMs = 1_800_000_000_000;

describe('what is left of a quota', () => {
  test.each([
    ['76;w=21600', 76],
    ['0;w=21600', 0],
    [' 0 ', 0],
    ['100', 100],
    ['5, 3;w=60', 3],
  ])('%j is %d', (value, quotaRemaining) => {
    expect(readQuota({ 'ratelimit-remaining': value }, nowMs)).toEqual({ quotaRemaining });
  });

  test.each(['', 'none', '-1', '0x0', '1.5', ';w=0'])('%j says nothing', (value) => {
    expect(readQuota({ 'ratelimit-remaining': value }, nowMs)).toEqual({});
  });
});

test('the whole of a quota is told beside what is left of it', () => {
  const headers = { 'ratelimit-limit': '200;w=21600', 'ratelimit-remaining': '76;w=21600' };
  expect(readQuota(headers, nowMs)).toEqual({ quotaLimit: 200, quotaRemaining: 76 });
});

describe('until when to wait', () => {
  test.each([
    ['retry-after', '30', nowMs + 30_000],
    ['retry-after', '0', nowMs],
    ['retry-after', new Date(nowMs + 5_000).toUTCString(), nowMs + 5_000],
    ['x-retry-after', String(nowMs / 1000 + 7), nowMs + 7_000],
  ])('%s: %s', (name, value, retryAfterMs) => {
    expect(readQuota({ [name]: value }, nowMs)).toEqual({ retryAfterMs });
  });

  test.each([
    ['ratelimit-reset', '45', nowMs + 45_000],
    ['ratelimit-reset', '45;w=60', nowMs + 45_000],
    ['x-ratelimit-reset', String(nowMs / 1000 + 60), nowMs + 60_000],
    ['x-ratelimit-reset', String(nowMs + 60_000), nowMs + 60_000],
  ])('%s: %s', (name, value, quotaResetAtMs) => {
    expect(readQuota({ [name]: value }, nowMs)).toEqual({ quotaResetAtMs });
  });

  test.each(['', 'soon', '-5', 'Tomorrow', '1e9', '12:00'])('%j says nothing', (value) => {
    expect(readQuota({ 'retry-after': value, 'ratelimit-reset': value }, nowMs)).toEqual({});
  });
});
