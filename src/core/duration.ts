import { durationPattern } from '#api/limits.ts';
import { fail, type Result, succeed } from '#core/result.ts';

/** What a duration looks like, for messages. */
export const DURATION_EXPECTED =
  'a duration as Go writes it, such as 1h30m, 500ms or 0 (at most 2562047h)';

/** The longest sensible spelling has some 30 characters. */
const CHARACTERS_MAX = 128;
/** Go counts nanoseconds in 64 bits: about 292 years. */
const MS_MAX = 2 ** 63 / 1e6;

const DURATION = new RegExp(durationPattern);
const PART = /([0-9.]+)(ns|us|µs|μs|ms|s|m|h)/g;
const MS_BY_UNIT: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Reads a duration as Go writes it (`time.ParseDuration`), or a bare `0`; in ms, never negative. */
export function parseDuration(text: string): Result<number, { readonly message: string }> {
  const problem = () =>
    fail({ message: `expected ${DURATION_EXPECTED}, got "${text.slice(0, 40)}"` });
  if (text.length > CHARACTERS_MAX || !DURATION.test(text)) return problem();
  let durationMs = 0;
  for (const [, number = '', unit = ''] of text.matchAll(PART)) {
    durationMs += Number.parseFloat(number) * (MS_BY_UNIT[unit] ?? 0);
  }
  return durationMs < MS_MAX ? succeed(durationMs) : problem();
}
