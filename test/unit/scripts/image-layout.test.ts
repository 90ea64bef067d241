import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { unpackTar } from 'modern-tar';
import { expect, onTestFinished, test } from 'vitest';
import { pageFiles } from '#http/page-assets.ts';
import { applicationEntries } from '#scripts/image/application.ts';
import { buildImage, type ImageParts } from '#scripts/image/build-image.ts';
import { architectures, runtimeConfiguration, userId } from '#scripts/image/image-runtime.ts';
import { packLayer } from '#scripts/image/layer.ts';
import { blobPath } from '#scripts/image/layout.ts';
import { shippedPackages } from '#scripts/image/shipped-packages.ts';
import { systemFiles, textFile } from '#scripts/image/system-files.ts';
import { shippedNodeFlags } from '#test/support/operator/shipped-node.ts';
import { readImage } from '#test/support/operator/unpacked-image.ts';

const root = join(import.meta.dirname, '..', '..', '..');

/** Small ones in the place of Node and the libraries. */
const parts: ImageParts = {
  architectures,
  base: async (architecture) => ({
    ok: true,
    value: {
      kind: 'entries',
      entries: [...systemFiles(), textFile('lib/libc.so.6', architecture)],
    },
  }),
  node: async (architecture) => ({
    ok: true,
    value: [{ kind: 'file', path: 'usr/local/bin/node', content: Buffer.from(architecture) }],
  }),
  application: [textFile('opt/kuik/src/main.ts', 'run()')],
};

function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'kuik-layout-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'oci');
}

async function build(options: object = {}) {
  const directory = freshDirectory();
  const built = await buildImage(parts, { directory, ...options });
  if (!built.ok) throw new Error(built.error);
  return { directory, ...built.value };
}

test('the same sources make the same digests, whenever they are built', async () => {
  const first = await build();
  const second = await build();
  expect(second.digest).toBe(first.digest);
  const blobs = (directory: string) => readdirSync(join(directory, 'blobs', 'sha256')).toSorted();
  expect(blobs(second.directory)).toEqual(blobs(first.directory));
  const released = await build({ createdSeconds: 1_800_000_000, revision: 'abc' });
  expect(released.digest).not.toBe(first.digest);
});

test('an image is there for both architectures, each with its own Node and libraries', async () => {
  const { directory } = await build();
  const layout = JSON.parse(readFileSync(join(directory, 'oci-layout'), 'utf8'));
  expect(layout).toEqual({ imageLayoutVersion: '1.0.0' });
  const images = await Promise.all(architectures.map((one) => readImage(directory, one)));
  expect(images.map(({ configuration }) => configuration.architecture)).toEqual(architectures);
  const [amd64, arm64] = images.map(({ manifest }) =>
    manifest.layers.map(({ digest }: { digest: string }) => digest),
  );
  expect(amd64).toHaveLength(3);
  // Kuik itself is the same for both, and stored once.
  expect(amd64.filter((digest: string) => arm64.includes(digest))).toEqual([amd64[2]]);
});

test('the user has a number, owns nothing and can write nowhere but in /tmp', async () => {
  const { directory } = await build();
  const { manifest, configuration } = await readImage(directory, 'amd64');
  expect(configuration.config).toMatchObject(runtimeConfiguration);
  expect(configuration.config.User).toBe(`${userId}:${userId}`);
  const headers = await Promise.all(
    manifest.layers.map(async ({ digest }: { digest: string }) =>
      (await unpackTar(gunzipSync(readFileSync(blobPath(directory, digest))))).map(
        ({ header }) => header,
      ),
    ),
  );
  const all = headers.flat();
  expect(all.filter(({ uid, gid }) => uid !== 0 || gid !== 0)).toEqual([]);
  const writable = all.filter(({ type, mode }) => type !== 'symlink' && (mode & 0o022) !== 0);
  expect(writable.map(({ name }) => name)).toEqual(['tmp/']);
});

test('a layer is the same in whichever order and with whichever modes its files were found', async () => {
  const entries = ['b', 'a/c', 'a/b'].map((path) => textFile(path, path));
  const one = await packLayer('one', entries);
  const other = await packLayer('other', entries.toReversed());
  expect(other.bytes.equals(one.bytes)).toBe(true);
  const names = (await unpackTar(gunzipSync(one.bytes))).map(({ header }) => header.name);
  expect(names).toEqual(['a/', 'a/b', 'a/c', 'b']);
});

test('what cannot be had for one architecture is said with its name', async () => {
  const base = async () => ({ ok: false, error: 'no libraries' }) as const;
  const built = await buildImage({ ...parts, base }, { directory: freshDirectory() });
  expect(built).toEqual({ ok: false, error: 'linux/amd64: no libraries' });
});

test('the image holds the bundle, its licences, and nothing for development', async () => {
  const entries = await applicationEntries(root);
  const paths = entries.map(({ path }) => path);
  expect(paths).toContain('opt/kuik/dist/kuik.cjs');
  expect(paths.filter((path) => /\.(ts|map|json)$|node_modules/.test(path))).toEqual([]);
  const page = (await pageFiles()).map(([path]) => `opt/kuik/dist/page/${path}`);
  expect(page).toContain('opt/kuik/dist/page/vendor/preact.js');
  expect(paths).toEqual(expect.arrayContaining(page));
  const notices = entries.find(({ path }) => path === 'opt/kuik/dist/NOTICES.txt');
  const text = notices?.kind === 'file' ? String(notices.content) : '';
  const { packages } = shippedPackages(root);
  const unnamed = packages.filter(({ name, version }) => !text.includes(`${name} ${version} (`));
  expect(unnamed).toEqual([]);
  const foreign = /typescript|vitest|biome|modern-tar|rolldown|client-node/;
  expect(packages.filter(({ name }) => foreign.test(name))).toEqual([]);
});

test('no install script of a shipped package is ever run, and every one is pinned', () => {
  const { packages } = shippedPackages(root);
  expect(packages.length).toBeGreaterThan(10);
  expect(packages.filter(({ hasInstallScript }) => hasInstallScript)).toEqual([]);
  expect(packages.filter(({ integrity }) => !integrity.startsWith('sha512-'))).toEqual([]);
});

test('the launcher of the image starts Node with the flags that the sources are started with', () => {
  const [first = '', ...rest] = readFileSync(join(root, 'scripts/image/kuik'), 'utf8').split('\n');
  // Linux hands everything behind the interpreter on as one argument.
  expect(shippedNodeFlags()).toHaveLength(1);
  expect(first).toBe(`#!/usr/local/bin/node ${shippedNodeFlags()}`);
  expect(rest.join('\n').trim()).toBe("require('/opt/kuik/dist/kuik.cjs');");
});
