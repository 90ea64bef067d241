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
/** What runs: a word in a comment is not one that the code uses. */
const codeOf = (file: string) =>
  read(file)
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '');
/** Each match in the code of these files, with where it is. */
const matches = (files: readonly string[], banned: RegExp) =>
  files.flatMap((file) => [...codeOf(file).matchAll(banned)].map(([found]) => `${file}: ${found}`));
const inFolder = (folder: string) =>
  sources.filter((file) => file.startsWith(`${folder}/`) && file.endsWith('.ts'));

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

test('the lock file pins what each package is, those of other platforms too', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    readonly packages: Readonly<Record<string, { readonly integrity?: string }>>;
  };
  const unpinned = Object.entries(packages).filter(
    ([path, { integrity }]) => path !== '' && integrity === undefined,
  );
  expect(unpinned.map(([path]) => path)).toEqual([]);
});

test('no machine handles a bug: it crashes, and its supervisor is told', () => {
  expect(matches(inFolder('src/machines'), /\bonError\b|\bBroken\b|\bbug\b/g)).toEqual([]);
});

test('what exists by the thousand waits for nobody: its machine has no delays', () => {
  const many = inFolder('src/machines').filter((file) =>
    /\/(tracked|mirrored)-image\.ts$/.test(file),
  );
  expect(many).not.toEqual([]);
  expect(matches(many, /\bafter: |\bdelays: |\bdelay: /g)).toEqual([]);
});

test('no flag beside a machine says what its state says', () => {
  const flag =
    /#(is)?(running|again|changed|stopp(ed|ing)|cancel(led)?|busy|dirty|pending|due|working|flushing|renewing)\b(: boolean| = (true|false))/gi;
  expect(matches(inFolder('src/actors'), flag)).toEqual([]);
});

test('names are those of the field, for files and for what they export', () => {
  const file =
    /\/(places|patience|flown|airborne|wallet|heard-probes|probe-tells|leaving-children|rounds|join-[^/]+|[^/]+-(ports|options)|bug)\.ts$/;
  expect(sources.filter((name) => name.startsWith('src/') && file.test(name))).toEqual([]);
  const word =
    /\b(Places|Patience|Flown|Airborne|goOn|Wallet|HeardProbes|ProbeTells|CheckManner|LeavingChildren|joinTelling|[A-Z]\w*Rooms)\b/g;
  expect(
    matches(
      sources.filter((name) => name !== thisFile),
      word,
    ),
  ).toEqual([]);
});

test('whoever is told of news is told by the one class for it', () => {
  expect(sources.filter((file) => file.endsWith('/listeners.ts'))).toEqual([
    'src/core/listeners.ts',
  ]);
  expect(matches(inFolder('src'), /\blisteners\(\)/g)).toEqual([]);
});

test('a test is found by its title: none is put together', () => {
  const assembled = /\b(test|it|describe)(\.\w+)*\(\s*(`[^`]*\$\{|['"`][^'"`]*['"`] \+)/g;
  expect(
    matches(
      inFolder('test').filter((file) => file !== thisFile),
      assembled,
    ),
  ).toEqual([]);
});

test("no file names a place on somebody's machine", () => {
  const place = /(?<![\w.$}])\/(root|home|work|Users)\/\w/;
  const texts = tracked.filter((file) => /\.(ts|mjs|sh|md|json|ya?ml)$/.test(file));
  expect(texts.filter((file) => file !== thisFile && place.test(read(file)))).toEqual([]);
});
