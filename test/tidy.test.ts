import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

/** What the linter cannot see. */
const root = join(import.meta.dirname, '..');
const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const sources = tracked.filter((file) => /\.(ts|mjs|sh)$/.test(file));
const thisFile = 'test/tidy.test.ts';

test('no source holds a promise, a waiver or a skipped test', () => {
  const banned =
    /\b(TODO|FIXME|XXX)\b|@ts-(ignore|nocheck|expect-error)|\b(it|test|describe)\.(skip|only|todo)\b/;
  const found = sources.filter((file) => file !== thisFile && banned.test(read(file)));
  expect(found).toEqual([]);
});

test('src has no linter waiver, and a waiver elsewhere names its rule and reason', () => {
  const found: string[] = [];
  for (const file of sources.filter((name) => name !== thisFile)) {
    for (const line of read(file).split('\n')) {
      if (!line.includes('biome-ignore')) continue;
      const reasoned = /biome-ignore lint\/\w+\/\w+: \S+ \S+/.test(line);
      if (file.startsWith('src/') || !reasoned) found.push(`${file}: ${line.trim()}`);
    }
  }
  expect(found).toEqual([]);
});

test('every room says in its README what it is for', () => {
  const rooms = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const without = rooms.filter((room) => !existsSync(join(root, 'src', room, 'README.md')));
  expect(without).toEqual([]);
});

test('every relative link of a document leads somewhere', () => {
  const documents = tracked.filter(
    (name) => name.endsWith('.md') && !name.startsWith('test/contract/vectors/'),
  );
  const links = documents.flatMap((file) =>
    [...read(file).matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => ({
      file,
      target,
    })),
  );
  const dead = links.filter(
    ({ file, target }) =>
      !/^[a-z]+:/.test(target) && !existsSync(join(root, normalize(join(dirname(file), target)))),
  );
  expect(dead).toEqual([]);
});

test('no file is named after nothing', () => {
  const named = tracked.filter((file) =>
    /^(src|test|demo|scripts)\/.*\b(utils?|helpers?|common|types|index)\.ts$/.test(file),
  );
  expect(named).toEqual([]);
});

test('the lock file names no host of a package registry', () => {
  expect(read('package-lock.json')).not.toMatch(/"resolved":/);
});
