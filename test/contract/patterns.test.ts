import { expect } from 'vitest';
import { compilePattern } from '#core/filter/pattern.ts';
import { compileScope, scopeMatchesImage } from '#core/filter/scope.ts';
import { parseReference } from '#core/image/reference.ts';
import { describeVectors } from '#test/support/runner/vectors.ts';

type Given =
  | { readonly pattern: string; readonly text: string }
  | { readonly include?: string[]; readonly exclude?: string[]; readonly image: string };

type Expected = { readonly matches: boolean } | { readonly invalid: true };

/** The image filter of a mirror, asked about an image as written. */
function askFilter({ image, ...imageFilter }: { image: string }): Expected {
  const scope = compileScope({ imageFilter }, { ownNamespace: undefined, choosesImages: true });
  const reference = parseReference(image);
  if (!reference.ok) throw new Error(reference.error.message);
  return scope.ok
    ? { matches: scopeMatchesImage(scope.value.images, reference.value) }
    : { invalid: true };
}

function askPattern({ pattern, text }: { pattern: string; text: string }): Expected {
  const compiled = compilePattern(pattern);
  return compiled.ok ? { matches: compiled.value.matches(text) } : { invalid: true };
}

describeVectors<Given, Expected>('patterns.yaml', (given, expected) => {
  expect('pattern' in given ? askPattern(given) : askFilter(given)).toEqual(expected);
});
