import { RE2JS, RE2JSException } from 're2js';
import { patternCharactersMax } from '#api/limits.ts';
import { BoundedMap } from '#core/bounded-map.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { type CompiledMatch, characterRanges, compileMatch, type FullMatch } from './full-match.ts';

/** A user's RE2 pattern, compiled by itself; it matches a whole text or not at all. */
export interface Pattern {
  /** The pattern as a person wrote it. */
  readonly source: string;
  /** Instructions that it compiled to, and ranges of characters. */
  readonly size: number;
  /** Linear in the text, whatever the pattern. */
  readonly matches: FullMatch;
  /** Whether any part of the text matches: for who asks why a pattern does not. */
  readonly finds: FullMatch;
}

/** Compiles one pattern of those that belong together. */
export type CompilePattern = (source: string) => Result<Pattern, FilterProblem>;

/** Why a pattern or a selector cannot be used: what was expected and what came. */
export interface FilterProblem {
  readonly message: string;
  /** What a pattern compiled to that has too many instructions. */
  readonly size?: number;
}

/**
 * Instructions of one compiled pattern. 128 characters can repeat their way to half a million, and
 * the time of a match grows with their number (behaviour §2).
 */
export const PATTERN_INSTRUCTIONS_MAX = 10_000;

/**
 * Instructions and ranges of characters that the patterns of one resource may have together: sixteen
 * at the limit of one pattern, and more of those that people write than fit. It bounds what a resource
 * takes of memory (some 10 bytes each) and of time (0.1 µs each to compile), whatever is written.
 */
export const RESOURCE_SIZE_MAX = 400_000;

/**
 * Patterns that people write stay far below; to ask one anew takes microseconds. One of the largest
 * takes milliseconds, so from here on what it said of an image is remembered.
 */
const LARGE_INSTRUCTIONS = 500;
/** Texts that a large pattern remembers its verdict of. */
const TEXTS_MAX = 512;

/**
 * Compiles the patterns of one resource, each once however often it is written. When they have used
 * up what they may have together, no other is compiled: to see how large it is would cost as much as
 * to use it.
 */
export function patternCompiler(): CompilePattern {
  const compiled = new Map<string, Result<Pattern, FilterProblem>>();
  let used = 0;
  const compileNew: CompilePattern = (source) => {
    const outcome = used > RESOURCE_SIZE_MAX ? undefined : compilePattern(source);
    used += (outcome?.ok === true ? outcome.value.size : outcome?.error.size) ?? 0;
    if (outcome !== undefined && used <= RESOURCE_SIZE_MAX) return outcome;
    return fail({
      message:
        `expected the patterns of one resource to compile to at most ${RESOURCE_SIZE_MAX} ` +
        `instructions and ranges of characters together, got ${used} up to "${source}"`,
    });
  };
  return (source) => {
    const outcome = compiled.get(source) ?? compileNew(source);
    compiled.set(source, outcome);
    return outcome;
  };
}

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
  const instructions = program.programSize();
  const size = instructions + characterRanges(program);
  if (instructions > PATTERN_INSTRUCTIONS_MAX) {
    return fail({
      message:
        `expected a pattern that compiles to at most ${PATTERN_INSTRUCTIONS_MAX} instructions, ` +
        `got ${instructions} from "${source}"`,
      size,
    });
  }
  return succeed({ source, size, ...matchOf(program, instructions) });
}

/**
 * Most patterns of a cluster are about other images: that a text begins otherwise than all that
 * match is seen without a walk.
 */
function matchOf(program: RE2JS, instructions: number): CompiledMatch {
  const { prefix } = program.re2() as { readonly prefix: string };
  const { matches: walk, finds } = compileMatch(program);
  const match = instructions > LARGE_INSTRUCTIONS ? remembering(walk) : walk;
  return { matches: (text, steps) => text.startsWith(prefix) && match(text, steps), finds };
}

/** Remembers what was found out; what ran out of steps was not. */
function remembering(match: FullMatch): FullMatch {
  const known = new BoundedMap<string, boolean>(TEXTS_MAX);
  return (text, steps) => {
    const remembered = known.get(text);
    if (remembered !== undefined) return remembered;
    const matches = match(text, steps);
    if ((steps?.left ?? 0) >= 0) known.set(text, matches);
    return matches;
  };
}

/** The library tells bad patterns by exceptions: this is the one place where they are translated. */
function compileRe2(source: string): Result<RE2JS, FilterProblem> {
  try {
    return succeed(RE2JS.compile(source));
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const plain = withoutNames(source);
    const unnamed = plain === source ? undefined : compileRe2(plain);
    if (unnamed?.ok === true) return unnamed;
    return fail({ message: `expected an RE2 pattern, got "${source}": ${error.message}` });
  }
}

/** What may hold the text of a named group and is none, or the start of one with its name. */
const namedGroup =
  /\\Q[\s\S]*?(?:\\E|$)|\\[\s\S]|\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*\]|\(\?P?<(\w+)>/g;

/**
 * Groups without their names, which mean nothing here: Go, and so the API server, lets two groups
 * have one name, and the library does not.
 */
function withoutNames(source: string): string {
  return source.replaceAll(namedGroup, (text, name: string | undefined) =>
    name === undefined ? text : '(',
  );
}
