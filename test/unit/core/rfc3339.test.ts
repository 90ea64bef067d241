import { describe, expect, test } from 'vitest';
import { formatTime, parseTime } from '#core/rfc3339.ts';

describe('a time in a status', () => {
  test('is RFC 3339 in UTC with whole seconds, as the clock of the machine writes it', () => {
    const leapDay = Date.parse('2024-02-29T23:59:59.999Z');
    for (let wallMs = leapDay; wallMs > 0; wallMs -= 86_399_000 * 97) {
      const expected = new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
      expect(formatTime(wallMs)).toBe(expected);
      expect(parseTime(expected)).toBe(Math.floor(wallMs / 1_000) * 1_000);
    }
  });

  test.each([
    ['2026-03-01T12:00:00Z', '2026-03-01T12:00:00Z'],
    ['2026-03-01t12:00:00z', '2026-03-01T12:00:00Z'],
    ['2026-03-01T12:00:00.987654321Z', '2026-03-01T12:00:00Z'],
    ['2026-03-01T14:30:00+02:30', '2026-03-01T12:00:00Z'],
    ['2026-02-28T23:00:00-13:00', '2026-03-01T12:00:00Z'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59Z'],
  ])('%s is read', (written, expected) => {
    expect(formatTime(parseTime(written) ?? Number.NaN)).toBe(expected);
  });

  test.each([
    '',
    'yesterday',
    '2026-03-01',
    '2026-13-01T00:00:00Z',
    '2026-03-32T00:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T12:00:00',
    1_740_000_000,
    null,
    undefined,
  ])('%j is none', (written) => {
    expect(parseTime(written)).toBeUndefined();
  });

  test('never leaves the years that four digits can say', () => {
    expect(formatTime(-1)).toBe('1970-01-01T00:00:00Z');
    expect(formatTime(Number.MAX_SAFE_INTEGER)).toBe('9999-12-31T23:59:59Z');
  });
});
