import type { ImageReference } from '#core/image/reference.ts';
import { assert } from '#core/result.ts';
import { compilePattern } from './pattern.ts';
import { filterTexts } from './scope.ts';

/** Whether any of the patterns, which the configuration has checked, matches an image as filters do. */
export function imagePatterns(sources: readonly string[]): (reference: ImageReference) => boolean {
  const patterns = sources.map((source) => {
    const compiled = compilePattern(source);
    assert(compiled.ok, `a pattern that passed the check compiles: ${source}`);
    return compiled.value;
  });
  return (reference) =>
    patterns.length > 0 &&
    filterTexts(reference).some((text) => patterns.some((pattern) => pattern.matches(text)));
}
