import type { RE2JS } from 're2js';

/** Whether a whole text matches. */
export type FullMatch = (text: string) => boolean;

/**
 * Makes the match of a large program. The library builds an object for each set of states that a text
 * leads to, which for thousands of instructions is half a second for each new image, and megabytes;
 * to see only whether a whole text matches, a walk through the instructions is enough: two
 * orders of magnitude less, of a program that is kept in a tenth of the memory. `undefined` where the
 * program has an instruction that is not known here.
 */
export function compileFullMatch(pattern: RE2JS): FullMatch | undefined {
  const { inst, start } = pattern.re2().prog as WrittenProgram;
  const program = readProgram(inst, start);
  return program && ((text) => new Walk(program).matches(text));
}

/** The library's own program, which its types leave open. */
interface WrittenProgram {
  readonly inst: readonly WrittenInstruction[];
  readonly start: number;
}

interface WrittenInstruction {
  readonly op: number;
  readonly out: number;
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
const RUNE = 8;
const RUNE_ANY_NOT_NEWLINE = 11;

/** What the numbers of assertions are made of. */
const BEGIN_LINE = 1;
const END_LINE = 2;
const BEGIN_TEXT = 4;
const END_TEXT = 8;
const WORD_BOUNDARY = 16;
const NO_WORD_BOUNDARY = 32;

/** What stands before and behind a text. */
const NOTHING = -1;
const NEWLINE = 10;

/** Characters whose classes one program remembers: those of image names are forty. */
const CHARACTERS_MAX = 512;

/** A program in columns: what comes next, where else, and which class of characters it takes. */
interface Program {
  readonly start: number;
  readonly kinds: Uint8Array;
  readonly next: Uint16Array;
  /** The other way of an `ALT`, the assertion of an `EMPTY_WIDTH`, the class of a `RUNE`. */
  readonly other: Uint16Array;
  /** By character: a 1 for each class that takes it. */
  readonly classesOf: (character: number) => Uint8Array;
}

function readProgram(written: readonly WrittenInstruction[], start: number): Program | undefined {
  if (written.length > 0xffff) return undefined;
  const kinds = new Uint8Array(written.length);
  const next = new Uint16Array(written.length);
  const other = new Uint16Array(written.length);
  const classes = new Map<string, { readonly id: number; readonly one: WrittenInstruction }>();
  for (const [index, one] of written.entries()) {
    const kind = kindOf(one);
    if (kind === undefined) return undefined;
    kinds[index] = kind;
    next[index] = passNops(written, one.out);
    if (kind === RUNE) other[index] = classOf(one, classes);
    else other[index] = kind === ALT ? passNops(written, one.arg) : one.arg;
  }
  const takes = [...classes.values()].map(({ one }) => one);
  return { start, kinds, next, other, classesOf: rememberClasses(takes) };
}

function kindOf({ op }: WrittenInstruction): number | undefined {
  if (op === ALT || op === ALT_MATCH) return ALT;
  if (op === NOP || op === CAPTURE) return NOP;
  if (op >= RUNE && op <= RUNE_ANY_NOT_NEWLINE) return RUNE;
  return [EMPTY_WIDTH, FAIL, MATCH].includes(op) ? op : undefined;
}

/** Groups do nothing here, and they are half of a program that repeats them. */
function passNops(written: readonly WrittenInstruction[], first: number): number {
  let index = first;
  for (let one = written[index]; one && kindOf(one) === NOP; one = written[index]) index = one.out;
  return index;
}

/** A pattern of 128 characters has few classes, however often it repeats them. */
function classOf(
  one: WrittenInstruction,
  classes: Map<string, { readonly id: number; readonly one: WrittenInstruction }>,
): number {
  const key = [one.op, one.arg, ...one.runes].join(' ');
  const known = classes.get(key) ?? { id: classes.size, one };
  classes.set(key, known);
  return known.id;
}

function rememberClasses(takes: readonly WrittenInstruction[]): Program['classesOf'] {
  const remembered = new Map<number, Uint8Array>();
  return (character) => {
    const known = remembered.get(character);
    if (known !== undefined) return known;
    if (remembered.size >= CHARACTERS_MAX) remembered.clear();
    const classes = Uint8Array.from(takes, (one) => Number(one.matchRune(character)));
    remembered.set(character, classes);
    return classes;
  };
}

/** One text on its way through a program, in all states at once (Thompson's construction). */
class Walk {
  readonly #program: Program;
  /** Instructions that wait for a character, and how many. */
  #waiting: Uint16Array;
  #waitingCount = 0;
  #free: Uint16Array;
  /** When each instruction was reached last, in characters from 1. */
  readonly #reachedAt: Uint32Array;
  /** Other ways, not yet gone: one at most for each instruction. */
  readonly #stack: Uint16Array;
  #stackSize = 0;
  #at = 1;
  #isMatch = false;

  constructor(program: Program) {
    this.#program = program;
    const { length } = program.kinds;
    this.#waiting = new Uint16Array(length);
    this.#free = new Uint16Array(length);
    this.#stack = new Uint16Array(length);
    this.#reachedAt = new Uint32Array(length);
  }

  matches(text: string): boolean {
    const characters = Array.from(text, (character) => character.codePointAt(0) ?? NOTHING);
    const around = (index: number) =>
      assertionsBetween(characters[index - 1] ?? NOTHING, characters[index] ?? NOTHING);
    this.#reach(this.#program.start, around(0));
    for (const [index, character] of characters.entries()) {
      if (this.#waitingCount === 0) return false;
      this.#step(character, around(index + 1));
    }
    return this.#isMatch;
  }

  #step(character: number, holding: number): void {
    const { next, other, classesOf } = this.#program;
    const classes = classesOf(character);
    const before = this.#waiting;
    const count = this.#waitingCount;
    this.#waiting = this.#free;
    this.#free = before;
    this.#waitingCount = 0;
    this.#isMatch = false;
    this.#at += 1;
    for (let position = 0; position < count; position += 1) {
      const index = before[position] ?? 0;
      if (classes[other[index] ?? 0] === 1) this.#reach(next[index] ?? 0, holding);
    }
  }

  /** Goes on from an instruction to all that is reached without a character. */
  #reach(first: number, holding: number): void {
    const stack = this.#stack;
    const reachedAt = this.#reachedAt;
    const at = this.#at;
    this.#stackSize = 0;
    for (let index = first; index !== NOTHING; ) {
      let onward = NOTHING;
      if (reachedAt[index] !== at) {
        reachedAt[index] = at;
        onward = this.#pass(index, holding);
      }
      if (onward === NOTHING && this.#stackSize > 0) {
        this.#stackSize -= 1;
        onward = stack[this.#stackSize] ?? NOTHING;
      }
      index = onward;
    }
  }

  /** What comes next without a character; what else does waits on the stack. */
  #pass(index: number, holding: number): number {
    const { kinds, next, other } = this.#program;
    switch (kinds[index]) {
      case ALT:
        this.#stack[this.#stackSize] = other[index] ?? 0;
        this.#stackSize += 1;
        return next[index] ?? NOTHING;
      case NOP:
        return next[index] ?? NOTHING;
      case EMPTY_WIDTH:
        return ((other[index] ?? 0) & ~holding) === 0 ? (next[index] ?? NOTHING) : NOTHING;
      case RUNE:
        this.#waiting[this.#waitingCount] = index;
        this.#waitingCount += 1;
        return NOTHING;
      case MATCH:
        this.#isMatch = true;
    }
    return NOTHING;
  }
}

/** Which assertions hold between two characters. */
function assertionsBetween(before: number, after: number): number {
  const boundary = isWord(before) === isWord(after) ? NO_WORD_BOUNDARY : WORD_BOUNDARY;
  return boundary | assertionsAfter(before) | assertionsBefore(after);
}

function assertionsAfter(character: number): number {
  if (character === NOTHING) return BEGIN_TEXT | BEGIN_LINE;
  return character === NEWLINE ? BEGIN_LINE : 0;
}

function assertionsBefore(character: number): number {
  if (character === NOTHING) return END_TEXT | END_LINE;
  return character === NEWLINE ? END_LINE : 0;
}

/** As RE2 has it: letters and digits of ASCII, and the underscore. */
function isWord(character: number): boolean {
  return character !== NOTHING && /^\w$/.test(String.fromCodePoint(character));
}
