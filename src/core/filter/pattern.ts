import { RE2JS, RE2JSException } from 're2js';
import { patternCharactersMax } from '#api/limits.ts';
import { fail, type Result, succeed } from '#core/result.ts';

/** A user's RE2 pattern, compiled by itself; it matches a whole text or not at all. */
export interface Pattern {
  /** The pattern as a person wrote it. */
  readonly source: string;
  /** Linear in the text, whatever the pattern. */
  readonly matches: (text: string) => boolean;
}

/** Why a pattern or a selector cannot be used: what was expected and what came. */
export interface FilterProblem {
  readonly message: string;
}

/**
 * Instructions of one compiled pattern. 128 characters can repeat their way to half a million, and
 * the time of a match grows with their number (behaviour §2).
 */
export const PATTERN_INSTRUCTIONS_MAX = 10_000;

/** Compiles one RE2 pattern (behaviour §2): 128 characters, 10,000 instructions at most. */
export function compilePattern(source: string): Result<Pattern, FilterProblem> {
  // Code points, as the API server counts them.
  if ([...source.slice(0, 2 * patternCharactersMax + 1)].length > patternCharactersMax) {
    return fail({
      message:
        `expected a pattern of at most ${patternCharactersMax} characters, ` +
        `got "${source.slice(0, 2 * patternCharactersMax)}…"`,
    });
  }
  const compiled = compileRe2(source);
  if (!compiled.ok) return compiled;
  const program = compiled.value;
  const size = program.programSize();
  if (size > PATTERN_INSTRUCTIONS_MAX) {
    return fail({
      message:
        `expected a pattern that compiles to at most ${PATTERN_INSTRUCTIONS_MAX} instructions, ` +
        `got ${size} from "${source}"`,
    });
  }
  return succeed({ source, matches: (text) => program.testExact(text) });
}

/** The library tells bad patterns by exceptions: this is the one place where they are translated. */
function compileRe2(source: string): Result<RE2JS, FilterProblem> {
  try {
    return succeed(RE2JS.compile(source));
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    return fail({ message: `expected an RE2 pattern, got "${source}": ${error.message}` });
  }
}
