import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';

/** The files of the page (docs/adr/0016): its own, and the libraries that it loads. */
export interface PageAssets {
  /** Changes with any of them. */
  readonly version: string;
  /** What `GET /debug/` answers; it names the others by their version. */
  readonly index: PageAsset;
  /** By path below `/debug/page/`. */
  readonly files: ReadonlyMap<string, PageAsset>;
}

/** One file as it is sent. */
export interface PageAsset {
  readonly type: string;
  readonly content: Buffer;
  readonly etag: string;
}

/** Beside this file in the sources, and beside the bundle in what is shipped. */
export const pageDirectory = join(import.meta.dirname, 'page');

const indexPath = 'index.html';

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Libraries by the path that the page loads them from; as they were published. */
export const vendored: ReadonlyMap<string, string> = new Map([
  ['vendor/preact.js', 'htm/preact/standalone.module.js'],
  ['vendor/uplot.js', 'uplot/dist/uPlot.esm.js'],
  ['vendor/uplot.css', 'uplot/dist/uPlot.min.css'],
  ['vendor/virtual-core.js', '@tanstack/virtual-core/dist/esm/index.js'],
  ...['ios-gesture', 'lazy-measurements', 'scroll-classifier', 'utils'].map(
    (name) => [`vendor/${name}.js`, `@tanstack/virtual-core/dist/esm/${name}.js`] as const,
  ),
]);

/** Reads them all. */
export async function readPageAssets(): Promise<PageAssets> {
  const contents = new Map(
    await Promise.all(
      (await pageFiles()).map(async ([path, file]) => [path, await readAsset(path, file)] as const),
    ),
  );
  const version = versionOf(contents);
  const files = new Map([...contents].map(([path, content]) => [path, asset(path, content)]));
  files.delete(indexPath);
  const html = contents.get(indexPath)?.toString() ?? '';
  const named = html.replaceAll('="page/', `="page/${version}/`);
  return { version, index: asset(indexPath, Buffer.from(named)), files };
}

/** Each path below `/debug/page/`, and where its file is. */
export async function pageFiles(): Promise<readonly (readonly [string, string])[]> {
  const own = (await readdir(pageDirectory, { recursive: true }))
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => types[extname(path)] !== undefined)
    .map((path) => [path, join(pageDirectory, path)] as const);
  const packages = [...vendored].filter(([path]) => !existsSync(join(pageDirectory, path)));
  return [...own, ...packages.map(([path, name]) => [path, packageFile(name)] as const)].toSorted(
    ([left], [right]) => (left < right ? -1 : 1),
  );
}

/** Packages need not export the files that browsers load: they are looked for by their folder. */
function packageFile(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const found = folders.map((folder) => join(folder, name)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`Expected ${name} in one of ${folders.join(', ')}.`);
  return found;
}

async function readAsset(path: string, file: string): Promise<Buffer> {
  const content = await readFile(file);
  if (!path.startsWith('vendor/')) return content;
  // Some are written for bundlers, which say which of two forms is meant: browsers know no `process`.
  return Buffer.from(content.toString().replaceAll('process.env.NODE_ENV', '"production"'));
}

function versionOf(contents: ReadonlyMap<string, Buffer>): string {
  const hash = createHash('sha256');
  for (const [path, content] of contents)
    hash.update(`${path}\0${content.length}\0`).update(content);
  return hash.digest('hex').slice(0, 16);
}

function asset(path: string, content: Buffer): PageAsset {
  const digest = createHash('sha256').update(content).digest('base64url').slice(0, 22);
  return { type: types[extname(path)] ?? 'text/plain', content, etag: `"${digest}"` };
}
