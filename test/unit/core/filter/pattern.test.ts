import { describe, expect, test } from 'vitest';
import { compilePattern } from '#core/filter/pattern.ts';

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

  test('a large one below that limit answers any image well within a second', () => {
    const compiled = compilePattern('((a|b|.)?){900}z');
    if (!compiled.ok) throw new Error(compiled.error.message);
    const started = performance.now();
    expect(compiled.value.matches(`quay.io/${'a/'.repeat(120)}a:1`)).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('a pattern that is none says what is wrong with it', () => {
    const compiled = compilePattern('(?!x)');
    expect(!compiled.ok && compiled.error.message).toContain(
      'expected an RE2 pattern, got "(?!x)"',
    );
  });
});
