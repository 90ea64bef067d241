import { expect } from 'vitest';
import { normalisedReference, parseReference } from '#core/image/reference.ts';
import { describeVectors } from '#test/support/runner/vectors.ts';

type Expected =
  | { readonly error: true }
  | { registry: string; path: string; tag?: string; digest?: string; normalised: string };

describeVectors<string, Expected>('references.yaml', (given, expected) => {
  const parsed = parseReference(given);
  expect(
    parsed.ok
      ? { ...parsed.value, normalised: normalisedReference(parsed.value) }
      : { error: true },
  ).toEqual(expected);
});
