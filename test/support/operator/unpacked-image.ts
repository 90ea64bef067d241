import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, mkdirSync, readFileSync } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { blobPath, readLayoutTop } from '#scripts/image/layout.ts';

/** What a container runtime reads of an image before it starts it. */
export interface ImageConfiguration {
  readonly architecture: string;
  readonly config: {
    readonly User: string;
    readonly Env: readonly string[];
    readonly Entrypoint: readonly string[];
    readonly Cmd: readonly string[];
    readonly WorkingDir: string;
    readonly Labels: Readonly<Record<string, string>>;
  };
  readonly rootfs: { readonly diff_ids: readonly string[] };
}

/** An image whose layers lie in one directory, as a container runtime has them. */
export interface UnpackedImage {
  readonly root: string;
  readonly configuration: ImageConfiguration;
}

// biome-ignore lint/suspicious/noExplicitAny: tests assert on JSON whose shape is what they test.
type Json = any;

/** A blob of a layout that holds JSON; throws unless it is what its digest says. */
export function readVerified(layout: string, digest: string): Json {
  const bytes = readFileSync(blobPath(layout, digest));
  const got = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (got !== digest) throw new Error(`Expected ${digest}, got ${got}.`);
  return JSON.parse(bytes.toString('utf8'));
}

/** The manifest and the configuration that a layout has for one architecture. */
export async function readImage(
  layout: string,
  architecture: string,
): Promise<{ readonly manifest: Json; readonly configuration: ImageConfiguration }> {
  const index = readVerified(layout, (await readLayoutTop(layout)).digest);
  const child = index.manifests.find((one: Json) => one.platform.architecture === architecture);
  if (child === undefined) throw new Error(`Expected an image for ${architecture}, got none.`);
  const manifest = readVerified(layout, child.digest);
  return { manifest, configuration: readVerified(layout, manifest.config.digest) };
}

/** Unpacks an image, one layer over the other; every layer is what its two digests say. */
export async function unpackImage(
  layout: string,
  architecture: string,
  root: string,
): Promise<UnpackedImage> {
  const { manifest, configuration } = await readImage(layout, architecture);
  mkdirSync(root, { recursive: true, mode: 0o755 });
  for (const [index, { digest }] of manifest.layers.entries()) {
    const expected = [digest, configuration.rootfs.diff_ids[index]];
    const got = await unpackLayer(blobPath(layout, digest), root);
    if (String(got) !== String(expected)) throw new Error(`Expected ${expected}, got ${got}.`);
  }
  return { root, configuration };
}

/** With the system's own tar, as container runtimes do: not with what packed it. */
async function unpackLayer(blob: string, root: string): Promise<readonly string[]> {
  const compressed = hashing();
  const archive = hashing();
  const args = ['--extract', '--preserve-permissions', '--directory', root];
  const tar = spawn('tar', args, { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(tar, 'close');
  const source = createReadStream(blob);
  await pipeline(source, compressed.through, createGunzip(), archive.through, tar.stdin);
  const [code] = await ended;
  if (code !== 0) throw new Error(`Expected tar to unpack ${blob}, it ended with ${code}.`);
  return [compressed.digest(), archive.digest()];
}

function hashing() {
  const hash = createHash('sha256');
  const through = new Transform({
    transform: (chunk, _, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  return { through, digest: () => `sha256:${hash.digest('hex')}` };
}
