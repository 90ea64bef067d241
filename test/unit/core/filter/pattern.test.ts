import { describe, expect, test } from 'vitest';
import { compilePattern, patternCompiler } from '#core/filter/pattern.ts';

function cpuSecondsOf(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000_000;
}

describe('patterns', () => {
  test('128 characters are the limit, counted as the API server counts them', () => {
    expect(compilePattern('a'.repeat(128)).ok).toBe(true);
    expect(compilePattern('\u{1F680}'.repeat(128)).ok).toBe(true);
    expect(compilePattern('a'.repeat(129)).ok).toBe(false);
    expect(compilePattern('a'.repeat(1_000_000)).ok).toBe(false);
  });

  test('one that compiles to more than 10,000 instructions is refused with that message', () => {
    const compiled = compilePattern('(.?){900}(.?){900}(.?){900}z');
    expect(compiled).toEqual({
      ok: false,
      error: {
        message: expect.stringMatching(
          /^expected a pattern that compiles to at most 10000 instructions, got \d+ from "/,
        ),
        size: expect.any(Number),
      },
    });
  });

  test('a large one below that limit answers a new image within milliseconds', () => {
    const compiled = compilePattern('((a|b|.)?){900}z');
    if (!compiled.ok) throw new Error(compiled.error.message);
    const images = Array.from({ length: 20 }, (_, index) => `quay.io/${'a/'.repeat(60)}a:${index}`);
    // Its own CPU time: what else the machine does is not the pattern's.
    const seconds = cpuSecondsOf(() => {
      for (const image of images) expect(compiled.value.matches(image)).toBe(false);
    });
    expect(seconds / images.length).toBeLessThan(0.05);
    expect(compiled.value.matches(`quay.io/a:z`)).toBe(true);
  });

  test('many whose states explode leave nothing behind, and answer new images at once', () => {
    const patterns = Array.from({ length: 64 }, (_, index) => {
      const compiled = compilePattern(`.*[a-m]${'.'.repeat(40 + index)}z`);
      if (!compiled.ok) throw new Error(compiled.error.message);
      return compiled.value;
    });
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    const name = (seed: number) =>
      Array.from({ length: 140 }, (_, index) => letters[(index * seed + (seed >> 3)) % 26]).join(
        '',
      );
    const seconds = cpuSecondsOf(() => {
      for (let seed = 1; seed <= 50; seed += 1) {
        for (const pattern of patterns) pattern.matches(`quay.io/${name(seed)}:1`);
      }
    });
    expect(seconds).toBeLessThan(2);
  });

  test('a list of sixteen at the limit is one resource, a set full of them is refused at once', () => {
    const large = (index: number) => `((a|b|.)?){${800 + index}}z`;
    const compile = patternCompiler();
    const seconds = cpuSecondsOf(() => {
      const outcomes = Array.from({ length: 1_024 }, (_, index) => compile(large(index % 200)));
      expect(outcomes.slice(0, 16).every(({ ok }) => ok)).toBe(true);
      expect(outcomes.at(199)).toEqual({
        ok: false,
        error: {
          message: expect.stringMatching(
            /at most 400000 instructions and ranges of characters together, got 4\d{5} up to "/,
          ),
        },
      });
    });
    expect(seconds).toBeLessThan(4);
    // What was compiled before is as good as without them.
    expect(compile(large(3)).ok).toBe(true);
    expect(compile('quay\\.io/.+').ok).toBe(false);
  });

  test('a pattern that is none says what is wrong with it', () => {
    const compiled = compilePattern('(?!x)');
    expect(!compiled.ok && compiled.error.message).toContain(
      'expected an RE2 pattern, got "(?!x)"',
    );
  });
});
