import { describe, expect, test } from 'vitest';
import { reviewDeadlineMs } from '#http/admission-deadline.ts';
import { boundWarnings } from '#http/admission-warnings.ts';

describe('the deadline of a review', () => {
  test.each<[unknown, number, number]>([
    ['10s', 3_000, 3_000],
    ['2s', 3_000, 1_800],
    ['1s', 3_000, 900],
    ['30s', 60_000, 29_500],
    ['500ms', 3_000, 450],
    ['10ms', 3_000, 50],
    ['10ms', 20, 20],
    ['0s', 3_000, 3_000],
    ['-1s', 3_000, 3_000],
    ['soon', 3_000, 3_000],
    ['', 3_000, 3_000],
    [undefined, 3_000, 3_000],
    [['1s', '2s'], 3_000, 3_000],
  ])('with ?timeout=%j and %i ms of our own is %i ms', (timeout, ownMs, expected) => {
    expect(reviewDeadlineMs(timeout, ownMs)).toBe(expected);
  });
});

describe('warnings', () => {
  test.each<[string, unknown, readonly string[]]>([
    ['none', [], []],
    ['no list', 'a warning', []],
    ['nothing', undefined, []],
    ['an object with a length', { length: 1, 0: 'w' }, []],
    ['what is no text', [1, null, undefined, {}, '', 'w'], ['w']],
    ['control characters', ['a\r\nb\u0000c'], ['a b c']],
    ['half a surrogate pair', ['a\uD800'], ['a\uFFFD']],
  ])('are only what an API server takes: %s', (_, given, expected) => {
    expect(boundWarnings(given)).toEqual(expected);
  });

  test('are left whole as long as the API server takes all of them so', () => {
    const long = ['w'.repeat(2_000), 'v'.repeat(2_096)];
    expect(boundWarnings(long)).toEqual(long);
  });

  test('are cut to their share where they are more, at 256 characters at least', () => {
    expect(boundWarnings(['w'.repeat(4_097)])).toEqual([`${'w'.repeat(4_095)}…`]);
    const shared = boundWarnings(['w'.repeat(3_000), 'short', 'v'.repeat(3_000)]);
    expect(shared).toEqual([`${'w'.repeat(1_364)}…`, 'short', `${'v'.repeat(1_364)}…`]);
    const many = boundWarnings(Array.from({ length: 16 }, () => 'w'.repeat(257)));
    expect(many).toEqual(Array(16).fill(`${'w'.repeat(255)}…`));
  });

  test('end where the API server would drop the rest', () => {
    const bounded = boundWarnings(Array.from({ length: 100 }, () => 'w'.repeat(1_000)));
    expect(bounded).toHaveLength(16);
  });

  test('of a list of a billion holes cost nothing', () => {
    const startedMs = performance.now();
    expect(boundWarnings(new Array(1_000_000_000))).toEqual([]);
    expect(performance.now() - startedMs).toBeLessThan(500);
  });
});
