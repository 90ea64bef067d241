import { globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

test('docs/README.md leads to every page', () => {
  const index = read('docs/README.md');
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  const without = pages.filter((name) => name !== 'README.md' && !index.includes(`(${name})`));
  expect(without).toEqual([]);
});

test('every example stands word for word in the page that explains it', () => {
  const pages = read('docs/use-cases.md') + read('docs/policies.md');
  const examples = readdirSync(join(root, 'docs/examples'));
  const without = examples.filter(
    (file) =>
      !pages.includes(`(examples/${file})\n\n\`\`\`yaml\n${read(`docs/examples/${file}`)}\`\`\``),
  );
  expect(without).toEqual([]);
  expect(examples.length).toBeGreaterThan(5);
});

test('what docs/troubleshooting.md quotes is said somewhere in src', () => {
  const sources = globSync('src/**/*.ts', { cwd: root }).map(read).join('\n');
  // A string that continues on the next line is one to whoever reads it.
  const said = sources.replaceAll(/[`']\s*\+\s*[`']/g, '').replaceAll(/\$\{[^{}]*\}/g, '…');
  const quotes = [...read('docs/troubleshooting.md').matchAll(/^ *> (.+)$/gm)].map(
    ([, text = '']) => text.trim(),
  );
  expect(quotes.length).toBeGreaterThan(15);
  const invented = quotes.filter((quote) =>
    quote
      .split('…')
      .map((part) => part.trim())
      .some((part) => part.length > 3 && !said.includes(part)),
  );
  expect(invented).toEqual([]);
});

test('every link to a heading of a document finds it', () => {
  const documents = ['README.md', ...globSync('docs/**/*.md', { cwd: root })];
  const slugsOf = (text: string) =>
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
  const lost = documents.flatMap((file) =>
    [...read(file).matchAll(/\]\(([^)\s#:]*)#([^)]+)\)/g)]
      .filter(([, target = '', anchor = '']) => {
        const place = target === '' ? file : join(dirname(file), target);
        return place.endsWith('.md') && !slugsOf(read(place)).includes(anchor);
      })
      .map(([link]) => `${file}: ${link}`),
  );
  expect(lost).toEqual([]);
});

describe.each(['docs/reference.md', 'docs/configuration.md', 'docs/chart.md'])('%s', (page) => {
  test('has a description of every field', () => {
    const rows = read(page)
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()));
    expect(rows.length).toBeGreaterThan(20);
    const bare = rows.filter((cells) => (cells.at(-2) ?? '').length < 8);
    expect(bare.map(([, name]) => name)).toEqual([]);
  });
});
