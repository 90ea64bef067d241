import type { RE2JS } from 're2js';
import { assert } from '#core/result.ts';

/** Whether a whole text matches; a match that runs out of the steps that it shares matches nothing. */
export type FullMatch = (text: string, steps?: MatchSteps) => boolean;

/**
 * What matches that belong together may take: an instruction that is passed is a step. Below zero
 * they have run out, and what they say is worth nothing.
 */
export interface MatchSteps {
  left: number;
}

/**
 * Makes the match of a compiled pattern: a walk through its instructions in all states at once
 * (Thompson's construction), in memory that does not grow. The library's own ways to match take
 * megabytes a pattern, or too long for the event loop: `docs/adr/0008-patterns-are-walked.md`.
 */
export function compileFullMatch(pattern: RE2JS): FullMatch {
  return compileMatch(pattern).matches;
}

/** The same, by which parts of a text are found as well: one walk does both. */
export function compileMatch(pattern: RE2JS): CompiledMatch {
  const walk = new Walk(pattern.re2().prog as Program);
  return {
    matches: (text, steps = { left: Number.POSITIVE_INFINITY }) => walk.matches(text, steps),
    finds: (text, steps = { left: Number.POSITIVE_INFINITY }) => walk.finds(text, steps),
  };
}

/** A pattern that can be asked about texts. */
export interface CompiledMatch {
  readonly matches: FullMatch;
  /** Whether any part of the text matches. */
  readonly finds: FullMatch;
}

/** Ranges of characters that a compiled pattern tells apart: they take most of its memory. */
export function characterRanges(pattern: RE2JS): number {
  const { inst } = pattern.re2().prog as Program;
  // Instructions that repeat share one list.
  const lists = new Set(inst.map(({ runes }) => runes));
  return [...lists].reduce((sum, runes) => sum + Math.ceil((runes?.length ?? 0) / 2), 0);
}

/** The library's own program, which its types leave open. */
interface Program {
  readonly inst: readonly Instruction[];
  readonly start: number;
}

interface Instruction {
  readonly op: number;
  readonly out: number;
  /** The other way of an `ALT`, the assertions of an `EMPTY_WIDTH`. */
  readonly arg: number;
  readonly runes: Int32Array;
  readonly matchRune: (rune: number) => boolean;
}

/** The numbers that the library gives its instructions. */
const ALT = 1;
const ALT_MATCH = 2;
const CAPTURE = 3;
const EMPTY_WIDTH = 4;
const FAIL = 5;
const MATCH = 6;
const NOP = 7;
/** From here on those that take a character. */
const RUNE = 8;
const RUNE_ANY_NOT_NEWLINE = 11;

/** Bits of the library's assertions. */
const BEGIN_LINE = 1;
const END_LINE = 2;
const BEGIN_TEXT = 4;
const END_TEXT = 8;
const WORD_BOUNDARY = 16;
const NO_WORD_BOUNDARY = 32;

/** What stands before and behind a text. */
const NOTHING = -1;
const NEWLINE = 10;
/** Characters that names are made of; the classes of what is beyond are found out each time. */
const ASCII = 128;

/** A walk through one program; its arrays are used again for the next text. */
class Walk {
  readonly #start: number;
  /** The program in columns: ten thousand objects are slower to go through. */
  readonly #ops: Uint8Array;
  readonly #next: Uint16Array;
  /** As `arg`; of an instruction that takes a character the number of its class. */
  readonly #other: Uint16Array;
  readonly #asserts: boolean;
  /** One instruction of each class of characters: 128 characters name few, however they repeat. */
  readonly #classes: readonly Instruction[];
  /** By character: a 1 for each class that takes it. */
  readonly #takenBy: (Uint8Array | undefined)[] = [];
  /** Instructions that wait for a character, and how many. */
  #waiting: Uint16Array;
  #waitingCount = 0;
  #before: Uint16Array;
  readonly #stack: Uint16Array;
  /** At which character, counted over all texts, each instruction was reached last. */
  readonly #reachedAt: Float64Array;
  #at = 0;
  #isMatch = false;
  /** Instructions passed for the present text. */
  #steps = 0;

  constructor({ inst, start }: Program) {
    const classes = new ClassList();
    const otherOf = (one: Instruction): number => {
      assert(one.op <= RUNE_ANY_NOT_NEWLINE, 'an instruction of RE2 without look-behind');
      return one.op < RUNE ? one.arg : classes.numberOf(one);
    };
    this.#start = start;
    this.#ops = Uint8Array.from(inst, ({ op }) => op);
    this.#next = Uint16Array.from(inst, ({ out }) => out);
    this.#other = Uint16Array.from(inst, otherOf);
    this.#asserts = this.#ops.includes(EMPTY_WIDTH);
    this.#classes = classes.all;
    this.#waiting = new Uint16Array(inst.length);
    this.#before = new Uint16Array(inst.length);
    this.#reachedAt = new Float64Array(inst.length);
    // Each instruction is left once a character, by two ways at most.
    this.#stack = new Uint16Array(2 * inst.length);
  }

  matches(text: string, steps: MatchSteps): boolean {
    this.#steps = 0;
    let character = text.codePointAt(0) ?? NOTHING;
    this.#begin();
    this.#reach(this.#start, this.#assertionsBetween(NOTHING, character));
    for (let index = 0; character !== NOTHING; ) {
      if (this.#waitingCount === 0 || this.#steps > steps.left) break;
      index += character > 0xffff ? 2 : 1;
      const following = text.codePointAt(index) ?? NOTHING;
      this.#take(character, this.#assertionsBetween(character, following));
      character = following;
    }
    steps.left -= this.#steps;
    // What stopped before the end of the text has no match that counts.
    return this.#isMatch && character === NOTHING && steps.left >= 0;
  }

  finds(text: string, steps: MatchSteps): boolean {
    this.#steps = 0;
    let character = text.codePointAt(0) ?? NOTHING;
    let holding = this.#assertionsBetween(NOTHING, character);
    this.#begin();
    for (let index = 0; this.#steps <= steps.left; ) {
      // A match may begin at each character, and ends the search wherever it ends.
      this.#reach(this.#start, holding);
      if (this.#isMatch || character === NOTHING) break;
      index += character > 0xffff ? 2 : 1;
      const following = text.codePointAt(index) ?? NOTHING;
      holding = this.#assertionsBetween(character, following);
      this.#take(character, holding);
      character = following;
    }
    steps.left -= this.#steps;
    return this.#isMatch && steps.left >= 0;
  }

  #begin(): void {
    const before = this.#before;
    this.#before = this.#waiting;
    this.#waiting = before;
    this.#waitingCount = 0;
    this.#isMatch = false;
    this.#at += 1;
  }

  #take(character: number, holding: number): void {
    const taken = this.#classesOf(character);
    const count = this.#waitingCount;
    this.#begin();
    const before = this.#before;
    for (let position = 0; position < count; position += 1) {
      const index = before[position] ?? 0;
      if (taken[this.#other[index] ?? 0] === 1) this.#reach(this.#next[index] ?? 0, holding);
    }
  }

  /** Goes on from an instruction to all that is reached without a character. */
  #reach(first: number, holding: number): void {
    const stack = this.#stack;
    const reachedAt = this.#reachedAt;
    const at = this.#at;
    stack[0] = first;
    for (let size = 1; size > 0; ) {
      size -= 1;
      this.#steps += 1;
      const index = stack[size] ?? 0;
      if (reachedAt[index] === at) continue;
      reachedAt[index] = at;
      size = this.#pass(index, size, holding);
    }
  }

  /** Puts on the stack where an instruction leads without a character; says how much lies there. */
  #pass(index: number, size: number, holding: number): number {
    const other = this.#other[index] ?? 0;
    switch (this.#ops[index]) {
      case FAIL:
        return size;
      case MATCH:
        this.#isMatch = true;
        return size;
      case EMPTY_WIDTH:
        if ((other & ~holding) !== 0) return size;
        break;
      case ALT:
      case ALT_MATCH:
        this.#stack[size] = other;
        this.#stack[size + 1] = this.#next[index] ?? 0;
        return size + 2;
      case CAPTURE:
      case NOP:
        break;
      default:
        this.#waiting[this.#waitingCount] = index;
        this.#waitingCount += 1;
        return size;
    }
    this.#stack[size] = this.#next[index] ?? 0;
    return size + 1;
  }

  #classesOf(character: number): Uint8Array {
    const known = this.#takenBy[character];
    if (known !== undefined) return known;
    const taken = Uint8Array.from(this.#classes, (one) => Number(one.matchRune(character)));
    if (character < ASCII) this.#takenBy[character] = taken;
    return taken;
  }

  #assertionsBetween(before: number, after: number): number {
    if (!this.#asserts) return 0;
    return (
      (isWord(before) === isWord(after) ? NO_WORD_BOUNDARY : WORD_BOUNDARY) |
      (before === NOTHING ? BEGIN_TEXT | BEGIN_LINE : 0) |
      (before === NEWLINE ? BEGIN_LINE : 0) |
      (after === NOTHING ? END_TEXT | END_LINE : 0) |
      (after === NEWLINE ? END_LINE : 0)
    );
  }
}

/** The classes of characters of one program, each once however often it is written. */
class ClassList {
  readonly all: Instruction[] = [];
  readonly #alike = new Map<string, number[]>();

  numberOf(one: Instruction): number {
    const { op, arg, runes } = one;
    const key = `${op} ${arg} ${runes.length} ${runes[0]}`;
    const alike = this.#alike.get(key) ?? [];
    const known = alike.find((id) => hasSameRunes(this.all[id], one));
    if (known !== undefined) return known;
    const id = this.all.push(one) - 1;
    this.#alike.set(key, [...alike, id]);
    return id;
  }
}

function hasSameRunes(known: Instruction | undefined, { runes }: Instruction): boolean {
  return known?.runes === runes || runes.every((rune, index) => known?.runes[index] === rune);
}

/** As RE2 has it: letters and digits of ASCII, and the underscore. */
function isWord(character: number): boolean {
  return character !== NOTHING && /^\w$/.test(String.fromCodePoint(character));
}
