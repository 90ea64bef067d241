import type { RE2JS } from 're2js';

/** Whether a whole text matches. */
export type FullMatch = (text: string) => boolean;

/**
 * Makes the match of a compiled pattern. The library builds an object for each set of states that a
 * text leads it to: up to 8 MB a pattern, and for thousands of instructions half a second for each new
 * image. To see only whether a whole text matches, a walk through the instructions is enough, in
 * memory that does not grow. `undefined` where the program has an instruction that is not known here.
 */
export function compileFullMatch(pattern: RE2JS): FullMatch | undefined {
  const { inst, start } = pattern.re2().prog as WrittenProgram;
  const program = readProgram(inst, start);
  if (program === undefined) return undefined;
  const walk = new Walk(program);
  return (text) => walk.matches(text);
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

/** Characters that names are made of; what is beyond is looked up anew each time. */
const ASCII = 128;
/** Counted up with each character; when it is used up, all begins anew. */
const AT_MAX = 0xffff_ffff;

/** A program in columns: what comes next, where else, and which class of characters it takes. */
interface Program {
  readonly start: number;
  readonly kinds: Uint8Array;
  readonly next: Uint16Array;
  /** The other way of an `ALT`, the assertion of an `EMPTY_WIDTH`, the class of a `RUNE`. */
  readonly other: Uint16Array;
  /** Whether anything in it depends on what stands before and behind. */
  readonly asserts: boolean;
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
  const asserts = kinds.includes(EMPTY_WIDTH);
  return { start, kinds, next, other, asserts, classesOf: rememberClasses(takes) };
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
  const remembered: (Uint8Array | undefined)[] = Array.from({ length: ASCII });
  return (character) => {
    const known = remembered[character];
    if (known !== undefined) return known;
    const classes = Uint8Array.from(takes, (one) => Number(one.matchRune(character)));
    if (character < ASCII) remembered[character] = classes;
    return classes;
  };
}

/**
 * Texts on their way through one program, each in all states at once (Thompson's construction). What
 * it walks with is used again for the next text.
 */
class Walk {
  readonly #program: Program;
  /** Instructions that wait for a character, and how many. */
  #waiting: Uint16Array;
  #waitingCount = 0;
  #free: Uint16Array;
  /** When each instruction was reached last. */
  readonly #reachedAt: Uint32Array;
  /** Other ways, not yet gone: one at most for each instruction. */
  readonly #stack: Uint16Array;
  #stackSize = 0;
  #at = 0;
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
    const { start, asserts } = this.#program;
    this.#waitingCount = 0;
    this.#begin(text.length);
    let before = NOTHING;
    let character = text.codePointAt(0) ?? NOTHING;
    this.#reach(start, asserts ? assertionsBetween(before, character) : 0);
    for (let index = 0; character !== NOTHING; ) {
      if (this.#waitingCount === 0) return false;
      index += character > 0xffff ? 2 : 1;
      before = character;
      character = text.codePointAt(index) ?? NOTHING;
      this.#step(before, asserts ? assertionsBetween(before, character) : 0);
    }
    return this.#isMatch;
  }

  #begin(characters: number): void {
    if (this.#at > AT_MAX - characters - 1) {
      this.#reachedAt.fill(0);
      this.#at = 0;
    }
    this.#at += 1;
    this.#isMatch = false;
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
  const lower = character | 0x20;
  return (
    (lower >= 0x61 && lower <= 0x7a) ||
    (character >= 0x30 && character <= 0x39) ||
    character === 0x5f
  );
}
