import fc from 'fast-check';
import { RE2JS, RE2JSException } from 're2js';
import { expect, test } from 'vitest';
import { compileMatch } from '#core/filter/full-match.ts';
import { compilePattern } from '#core/filter/pattern.ts';

/** What patterns are made of, with all that could make a plain beginning uncertain. */
const pieces = fc.constantFrom(
  ...['a', 'b', '/', ':', '1', '-', '_', '@', '\\.', '\\/', '\\-', '\\:', '.', '^', '$'],
  ...['*', '+', '?', '{0}', '{2}', '{0,1}', '{', '|', '(a|b)', '(?i)', '(?:a)?', '[ab]', '[^a]'],
  ...['\\w', '\\b', '\\Qa.b\\E', '\\x61', '\\pL', '\\|', 'é', '\u{1F680}', '(?i:a)'],
);
const patterns = fc.array(pieces, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
const texts = fc
  .array(fc.constantFrom('a', 'b', 'A', '/', ':', '1', '-', '.', '_', '@', '|', 'é', '{'), {
    maxLength: 6,
  })
  .map((parts) => parts.join(''));

function matchesByItself(source: string, text: string): boolean | undefined {
  try {
    return RE2JS.compile(source).testExact(text);
  } catch (error) {
    if (error instanceof RE2JSException) return undefined;
    throw error;
  }
}

test('a pattern matches what its automaton matches, whatever is seen without it', () => {
  fc.assert(
    fc.property(patterns, fc.array(texts, { maxLength: 20 }), (source, all) => {
      const compiled = compilePattern(source);
      for (const text of all) {
        const expected = matchesByItself(source, text);
        expect(compiled.ok ? compiled.value.matches(text) : undefined).toBe(expected);
      }
    }),
    { numRuns: 500 },
  );
});

/** Everything that an instruction can be: the walk must know them all. */
const wider = fc.constantFrom(
  ...[
    'a',
    'b',
    '.',
    '(?s).',
    '^',
    '$',
    '(?m)^',
    '(?m)$',
    '\\b',
    '\\B',
    '\\A',
    '\\z',
    '[^a]',
    '\\n',
  ],
  ...[
    '(?i)A',
    '(?i:k)',
    '\\pL',
    '\\w',
    '*',
    '+?',
    '{2}',
    '{0,3}',
    '|',
    '(a|b)?',
    '(|a)*',
    '()',
    '(?:)',
  ],
);
const lines = fc
  .array(fc.constantFrom('a', 'b', 'A', 'k', '\u212a', '\n', '_', ' ', '\u{1F680}', '\ud83d'), {
    maxLength: 7,
  })
  .map((parts) => parts.join(''));

test('a huge program is walked to the same end as by the library', () => {
  fc.assert(
    fc.property(
      fc.array(wider, { minLength: 1, maxLength: 7 }).map((parts) => parts.join('')),
      fc.array(lines, { maxLength: 20 }),
      (source, all) => {
        if (matchesByItself(source, '') === undefined) return;
        const program = RE2JS.compile(source);
        const { matches, finds } = compileMatch(program);
        for (const text of all) {
          expect(matches(text), text).toBe(program.testExact(text));
          expect(finds(text), text).toBe(program.matcher(text).find());
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test.each([
  ['quay\\.io/enix/.+', 'quay.io/enix/app:1', true],
  ['quay\\.io/enix/.+', 'quayXio/enix/app:1', false],
  ['quay.io/enix/.+', 'quayXio/enix/app:1', true],
  ['/a?b', '/b', true],
  ['/a{0}b', '/b', true],
  ['/a*', '/', true],
  ['/a|/b', '/b', true],
  ['^/a.*', '/ab', true],
  ['(?i)/A', '/a', true],
  ['/a(?i)*', '/', true],
])('%s of %s: %s', (source, text, expected) => {
  const compiled = compilePattern(source);
  expect(compiled.ok && compiled.value.matches(text)).toBe(expected);
});
