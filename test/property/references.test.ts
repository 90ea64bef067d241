import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filterTexts } from '#core/filter/scope.ts';
import {
  formatReference,
  isUntagged,
  parseReference,
  relocateReference,
} from '#core/image/reference.ts';

const letters = 'abcxyz019'.split('');
const word = fc.string({ unit: fc.constantFrom(...letters), minLength: 1, maxLength: 6 });
const segment = fc
  .array(fc.tuple(word, fc.constantFrom('.', '_', '__', '-', '--')), { minLength: 1, maxLength: 3 })
  .map((parts) =>
    parts
      .map((part) => part.join(''))
      .join('')
      .replace(/[._-]+$/, ''),
  );
const host = fc.oneof(
  fc.constantFrom('docker.io', 'index.docker.io', 'localhost', 'localhost:5000', '[::1]:5000'),
  fc.tuple(word, word).map((labels) => labels.join('.')),
  fc.tuple(word, fc.nat(65_535)).map(([name, port]) => `${name}:${port}`),
  word.map((name) => `${name}X`),
);
const tag = fc.string({ unit: fc.constantFrom(...letters, 'A', '_', '.', '-'), maxLength: 12 });
const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const digest = fc.oneof(
  hex(64).map((digits) => `sha256:${digits}`),
  hex(128).map((digits) => `sha512:${digits}`),
);

/** Mostly images; what the grammar does not take is none, and that is all right, too. */
const written = fc
  .record({
    host: fc.option(host, { nil: undefined }),
    path: fc.array(segment, { minLength: 1, maxLength: 4 }),
    tag: fc.option(tag, { nil: undefined }),
    digest: fc.option(digest, { nil: undefined }),
  })
  .map((parts) => {
    const name = [...(parts.host === undefined ? [] : [parts.host]), ...parts.path].join('/');
    const tagged = parts.tag === undefined ? name : `${name}:${parts.tag}`;
    return parts.digest === undefined ? tagged : `${tagged}@${parts.digest}`;
  });

/** Anything at all, with the marks that matter in it. */
const nonsense = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'aA0.:/@_-[] \n'), maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

test('what is parsed is written in full, and reads back as the same', () => {
  fc.assert(
    fc.property(fc.oneof(written, nonsense), (text) => {
      const parsed = parseReference(text);
      if (!parsed.ok) return;
      const full = formatReference(parsed.value);
      expect(parseReference(full)).toEqual(parsed);
      const normalised = parseReference(filterTexts(parsed.value)[0] ?? '');
      expect(normalised.ok && normalised.value).toEqual(
        isUntagged(parsed.value) ? { ...parsed.value, tag: 'latest' } : parsed.value,
      );
    }),
    { numRuns: 2_000 },
  );
});

test('most of what looks like an image is one', () => {
  const seen = fc.sample(written, { numRuns: 500, seed: 1 });
  expect(seen.filter((text) => parseReference(text).ok).length).toBeGreaterThan(300);
});

test('moved to any other place an image is one that reads back as the same, or none', () => {
  fc.assert(
    fc.property(written, host, fc.array(segment, { maxLength: 3 }), (text, registry, path) => {
      const parsed = parseReference(text);
      if (!parsed.ok) return;
      const moved = relocateReference(parsed.value, registry, path.join('/'));
      if (moved === undefined) return;
      expect(parseReference(formatReference(moved))).toEqual({ ok: true, value: moved });
      expect([moved.tag, moved.digest]).toEqual([parsed.value.tag, parsed.value.digest]);
    }),
    { numRuns: 1_000 },
  );
});
