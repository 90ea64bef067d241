import Type from 'typebox';
import { rules } from './cel.ts';
import { durationCharactersMax } from './limits.ts';

/** What Go's `time.ParseDuration` reads, without the minus sign. */
const goDurationPattern = '^[+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$';

/**
 * A duration as Go writes it. The pattern keeps out what cannot be read; the rule says so in
 * words, and keeps out what Go cannot hold (more than about 292 years).
 */
export function durationSchema(
  field: string,
  options: {
    readonly default: string;
    readonly description: string;
  },
) {
  return Type.String({
    ...options,
    maxLength: durationCharactersMax,
    pattern: goDurationPattern,
    ...rules({
      rule: "duration(self) >= duration('0s')",
      message: `${field} must be a duration as Go writes it, such as 720h, 1h30m or 0s: a number with its unit (h, m, s, ms), not negative, at most 2562047h`,
    }),
  });
}
