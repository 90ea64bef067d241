import { RE2JS, RE2JSException } from 're2js';
import { patternCharactersMax } from '#api/limits.ts';
import { boundedMemo } from '#core/bounded-memo.ts';
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

/**
 * Patterns that people write stay below; to ask one anew takes microseconds. One of the largest takes
 * up to a second, so from here on what it said of an image is remembered.
 */
const LARGE_INSTRUCTIONS = 100;
/** Texts that a large pattern remembers its verdict of. */
const TEXTS_MAX = 512;

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
  const prefix = literalPrefix(source);
  const test =
    size > LARGE_INSTRUCTIONS
      ? boundedMemo(TEXTS_MAX, (text) => program.testExact(text)).get
      : (text: string) => program.testExact(text);
  return succeed({ source, matches: (text) => text.startsWith(prefix) && test(text) });
}

/** Characters that mean themselves, escaped or not, at the start of a pattern. */
const plainStart = /^\^?((?:[\w/:@-]|\\[./:@-])*)/;
/** One of them. */
const plainCharacter = /\\?./g;
/**
 * What makes the character before it optional, or repeats it; flags and an empty quotation may stand
 * between the two.
 */
const quantifier = /^(?:[*+?{]|\(\?|\\Q)/;

/**
 * What every text that the pattern matches begins with, as far as the pattern says so plainly. Most
 * patterns of a cluster are about other images, and to see that takes no automaton.
 */
function literalPrefix(source: string): string {
  // An alternative may begin otherwise.
  if (source.includes('|')) return '';
  const [whole = '', plain = ''] = plainStart.exec(source) ?? [];
  const characters = plain.match(plainCharacter) ?? [];
  const isUncertain = quantifier.test(source.slice(whole.length));
  const certain = isUncertain ? characters.slice(0, -1) : characters;
  return certain.map((character) => character.slice(-1)).join('');
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
