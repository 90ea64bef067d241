import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { buildImage, type ImageParts } from '#scripts/image/build-image.ts';
import { pushLayout } from '#scripts/image/copy-layout.ts';
import { architectures } from '#scripts/image/image-runtime.ts';
import { registryBase } from '#scripts/image/registry-base.ts';
import { textFile } from '#scripts/image/system-files.ts';
import { readImage } from '#test/support/operator/unpacked-image.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';

let registry: TestRegistry;

beforeAll(async () => {
  registry = await startRegistry();
});

afterAll(async () => {
  await registry?.remove();
});

/** Small files in the place of libraries and of Node. */
const parts: ImageParts = {
  architectures,
  base: async (architecture) => ({
    ok: true,
    value: { kind: 'entries', entries: [textFile('lib/libc.so.6', architecture)] },
  }),
  node: async (architecture) => ({
    ok: true,
    value: [textFile('usr/local/bin/node', architecture)],
  }),
  application: [textFile('opt/kuik/src/main.ts', 'run()')],
};

function remote(tag: string) {
  const reference = { registry: registry.host, path: 'base', tag };
  return { reference, isPlainHttp: true, credentials: [] };
}

function freshDirectory(): string {
  const directory = temporaryDirectory('base');
  onTestFinished(directory.remove);
  return join(directory.path, 'oci');
}

test('an image stands on the layers of one in a registry, for each architecture on its own', async () => {
  const below = freshDirectory();
  await buildImage(parts, { directory: below });
  const pushed = await pushLayout(below, remote('both'));
  expect(pushed.kind).toBe('copied');

  const directory = freshDirectory();
  const base = registryBase(directory, remote('both'));
  const built = await buildImage({ ...parts, base }, { directory });
  expect(built.ok).toBe(true);
  for (const architecture of architectures) {
    const [under, over] = [
      await readImage(below, architecture),
      await readImage(directory, architecture),
    ];
    const digests = (manifest: { readonly layers: readonly { readonly digest: string }[] }) =>
      manifest.layers.map(({ digest }) => digest);
    expect(digests(over.manifest).slice(0, 3)).toEqual(digests(under.manifest));
    expect(over.manifest.layers).toHaveLength(5);
    const { diff_ids: ids } = over.configuration.rootfs;
    expect(ids.slice(0, 3)).toEqual(under.configuration.rootfs.diff_ids);
    expect(ids).toHaveLength(5);
  }
});

test('a base that is not there, or not for an architecture, is said', async () => {
  const one = freshDirectory();
  await buildImage({ ...parts, architectures: ['amd64'] }, { directory: one });
  await pushLayout(one, remote('one'));
  const directory = freshDirectory();
  const onOne = await buildImage(
    { ...parts, base: registryBase(directory, remote('one')) },
    { directory },
  );
  expect(onOne).toEqual({
    ok: false,
    error: `linux/arm64: ${registry.host}/base:one has no image for linux/arm64`,
  });
  const onNone = await buildImage(
    { ...parts, base: registryBase(directory, remote('none')) },
    { directory },
  );
  expect(onNone).toMatchObject({
    ok: false,
    error: expect.stringContaining('expected 200, got 404'),
  });
});
