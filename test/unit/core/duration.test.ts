import { expect, test } from 'vitest';
import { parseDuration } from '#core/duration.ts';

test.each([
  ['0', 0],
  ['+0', 0],
  ['0s', 0],
  ['500ms', 500],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['1.s', 1_000],
  ['+3s', 3_000],
  ['1us', 0.001],
  ['1µs', 0.001],
  ['2562047h', 9_223_369_200_000],
])('%s is read as Go reads it', (text, durationMs) => {
  expect(parseDuration(text)).toEqual({ ok: true, value: durationMs });
});

test.each(['', '1', '1 s', '-1s', '3d', 's', '.s', '1h-1m', '1e3s', '2562048h', '1s'.repeat(99)])(
  '"%s" is refused with what was expected and what came',
  (text) => {
    expect(parseDuration(text)).toMatchObject({
      ok: false,
      error: { message: expect.stringMatching(/^expected a duration as Go writes it, .*, got "/) },
    });
  },
);
