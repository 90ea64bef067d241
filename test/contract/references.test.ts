import { expect } from 'vitest';
import { filterTexts } from '#core/filter/scope.ts';
import { parseReference } from '#core/image/reference.ts';
import { describeVectors } from '#test/support/runner/vectors.ts';

type Expected =
  | { readonly error: true }
  | { registry: string; path: string; tag?: string; digest?: string; normalised: string };

describeVectors<string, Expected>('references.yaml', (given, expected) => {
  const parsed = parseReference(given);
  expect(
    parsed.ok ? { ...parsed.value, normalised: filterTexts(parsed.value)[0] } : { error: true },
  ).toEqual(expected);
});
