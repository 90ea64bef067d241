import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const sections = sectionsOf(readFileSync(join(root, 'docs', 'behaviour.md'), 'utf8'));
const sources = ['src', 'test', 'demo', 'scripts'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(folder, file))
    .filter((file) => !file.endsWith('citations.test.ts')),
);

/** `3` of a heading `## 3. Routing`, and `3.5` of the numbered point 5 below it. */
function sectionsOf(page: string): ReadonlySet<string> {
  const found = new Set<string>();
  let section = '';
  for (const line of page.split('\n')) {
    section = /^## (\d+\w?)\. /.exec(line)?.[1] ?? section;
    const point = /^(\d+)\. /.exec(line)?.[1];
    found.add(point === undefined ? section : `${section}.${point}`);
  }
  return found;
}

/** What a source says in its comments, as one text; a line break within a comment is a blank. */
function commentsOf(source: string): string {
  const comments = source.match(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*(?:\n\s*\/\/.*)*/gm) ?? [];
  return comments.join('\n').replaceAll(/\n?[ \t]*(?:\/\/|\/?\*+\/?)[ \t]?/g, ' ');
}

/** A document with the sections cited of it, each behind its sign; lists and ranges too. */
const citation = /([\w./-]+) §(\d+\w*(?:\.\d+)*)((?:(?:,| and| to) §\d+\w*(?:\.\d+)*)*)/g;

/** Of each citation in the comments its document and one section. */
function citationsOf(source: string): readonly { document: string; section: string }[] {
  return [...commentsOf(source).matchAll(citation)].flatMap(([, document = '', first, others]) =>
    [`§${first}`, ...(others?.match(/§[\w.]*\w/g) ?? [])].map((sign) => ({
      document: document.toLowerCase(),
      section: sign.slice(1),
    })),
  );
}

describe('a citation in a source', () => {
  test('of the contract names a section that the contract has', () => {
    const missing = sources.flatMap((file) =>
      citationsOf(readFileSync(join(root, file), 'utf8'))
        .filter(({ document, section }) => document === 'behaviour' && !sections.has(section))
        .map(({ section }) => `${file}: behaviour §${section}`),
    );
    expect(missing).toEqual([]);
  });

  test('is of the contract or of an RFC, never of a document that is not here', () => {
    const others = sources.flatMap((file) => {
      const source = readFileSync(join(root, file), 'utf8');
      const cited = citationsOf(source)
        .filter(({ document }) => document !== 'behaviour' && !/^\d{4}$/.test(document))
        .map(({ document, section }) => `${document} §${section}`);
      const signs = commentsOf(source).match(/§/g) ?? [];
      const unread = signs.length > citationsOf(source).length ? ['§ of no document'] : [];
      const named = commentsOf(source).match(/design\.md|style[- ]guide|copying\.md/gi) ?? [];
      return [...cited, ...unread, ...named].map((what) => `${file}: ${what}`);
    });
    expect(others).toEqual([]);
  });

  test('of a page under docs names a page that is there', () => {
    const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
    const dead = sources.flatMap((file) =>
      [...commentsOf(readFileSync(join(root, file), 'utf8')).matchAll(/\bdocs\/([\w/.-]*\w)/g)]
        .map(([, page = '']) => page)
        // A decision may be cited by its number alone.
        .filter((page) => !pages.some((one) => one === page || one.startsWith(`${page}-`)))
        .filter((page) => !existsSync(join(root, 'docs', page)))
        .map((page) => `${file}: docs/${page}`),
    );
    expect(dead).toEqual([]);
  });
});

test('a citation is found wherever it stands in a comment', () => {
  const source = [
    '/** Says so (behaviour §2), as behaviour §3.1 and §3.2 do: RFC',
    ' * 9110 §15.4. */',
    "const text = 'behaviour §99';",
    '// As in Behaviour',
    '// §6a.',
  ].join('\n');
  expect(citationsOf(source).map(({ document, section }) => `${document} ${section}`)).toEqual([
    'behaviour 2',
    'behaviour 3.1',
    'behaviour 3.2',
    '9110 15.4',
    'behaviour 6a',
  ]);
});
