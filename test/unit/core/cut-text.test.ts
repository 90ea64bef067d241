import { expect, test } from 'vitest';
import { cutText, utf8Bytes } from '#core/cut-text.ts';

test.each([
  ['short', 'short'],
  ['  two\nlines\tand\u0000I ', 'two lines and I'],
  ['x'.repeat(16), 'x'.repeat(16)],
  ['x'.repeat(17), `${'x'.repeat(13)}…`],
  ['ééééééééé', 'éééééé…'],
  ['😀😀😀😀😀', '😀😀😀…'],
  ['half \ud83d', 'half \ufffd'],
])('%j is cut to %j at 16 bytes', (text, expected) => {
  expect(cutText(text, 16)).toBe(expected);
  expect(utf8Bytes(cutText(text, 16))).toBeLessThanOrEqual(16);
});

test('a text of megabytes costs no more than what is kept of it', () => {
  expect(cutText('\n'.repeat(5_000_000), 256)).toBe('…');
});
