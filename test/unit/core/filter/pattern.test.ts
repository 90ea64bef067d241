import { describe, expect, test } from 'vitest';
import { compilePattern } from '#core/filter/pattern.ts';

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
      },
    });
  });

  test('a large one below that limit answers any image within seconds, and the same image at once', () => {
    const compiled = compilePattern('((a|b|.)?){900}z');
    if (!compiled.ok) throw new Error(compiled.error.message);
    const image = `quay.io/${'a/'.repeat(120)}a:1`;
    // Its own CPU time: what else the machine does is not the pattern's.
    const seconds = cpuSecondsOf(() => expect(compiled.value.matches(image)).toBe(false));
    expect(seconds).toBeLessThan(4);
    const again = cpuSecondsOf(() => expect(compiled.value.matches(image)).toBe(false));
    expect(again).toBeLessThan(seconds / 10);
  });

  test('a pattern that is none says what is wrong with it', () => {
    const compiled = compilePattern('(?!x)');
    expect(!compiled.ok && compiled.error.message).toContain(
      'expected an RE2 pattern, got "(?!x)"',
    );
  });
});
