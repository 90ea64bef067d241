import Type from 'typebox';
import { rules } from './cel.ts';
import { durationCharactersMax, durationPattern } from './limits.ts';

/**
 * Numbers so long that Go, which counts nanoseconds in 64 bits, cannot hold them in their unit:
 * about 292 years. The rule does not ask CEL's `duration` instead, since a rule that ends in an
 * error is not forgiven where the object was stored before the rule (see `patternRule`).
 */
const tooLong =
  '[0-9]{8}([.][0-9]*)?h|[0-9]{10}([.][0-9]*)?m|[0-9]{11}([.][0-9]*)?s|' +
  '[0-9]{14}([.][0-9]*)?ms|[0-9]{17}([.][0-9]*)?(us|µs|μs)|[0-9]{20}([.][0-9]*)?ns';

/** A duration as Go writes it. The pattern keeps out what cannot be read, the rule says it in words. */
export function durationSchema(
  field: string,
  options: { readonly default: string; readonly description: string },
) {
  return Type.String({
    ...options,
    maxLength: durationCharactersMax,
    pattern: durationPattern,
    ...rules({
      rule: `self.matches('${durationPattern}') && !self.matches('${tooLong}')`,
      message:
        `${field} must be a duration as Go writes it, such as 720h, 1h30m or 0s: a number with ` +
        'its unit (h, m, s, ms), not negative, at most 2562047h',
    }),
  });
}
