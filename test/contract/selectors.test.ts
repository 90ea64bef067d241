import { expect } from 'vitest';
import { compileSelector, selectorMatches } from '#core/filter/selector.ts';
import { describeVectors } from '#test/support/runner/vectors.ts';

interface Given {
  readonly selector: string;
  readonly labels: Readonly<Record<string, string>>;
}

type Expected = { readonly matches: boolean } | { readonly invalid: true };

describeVectors<Given, Expected>('selectors.yaml', ({ selector, labels }, expected) => {
  const compiled = compileSelector(selector);
  expect(
    compiled.ok ? { matches: selectorMatches(compiled.value, labels) } : { invalid: true },
  ).toEqual(expected);
});
