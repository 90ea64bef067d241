import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Descriptor, digestOf } from '#oci/image-manifest.ts';

/** The media types of what an image is made of. */
export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  configuration: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

/** Begins an OCI image layout in an empty directory; what was there is removed. */
export async function createLayout(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(join(directory, 'blobs', 'sha256'), { recursive: true });
  await writeFile(join(directory, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
}

/** Where a layout keeps a blob. */
export function blobPath(directory: string, digest: string): string {
  const [algorithm = '', hex = ''] = digest.split(':');
  return join(directory, 'blobs', algorithm, hex);
}

/** Stores some bytes under their digest. */
export async function writeBlob(
  directory: string,
  mediaType: string,
  bytes: Buffer,
): Promise<Descriptor> {
  const digest = digestOf(bytes);
  await writeFile(blobPath(directory, digest), bytes);
  return { mediaType, digest, size: bytes.byteLength };
}

/** Stores a value as JSON under its digest. */
export async function writeJson(
  directory: string,
  mediaType: string,
  value: object,
): Promise<Descriptor> {
  return await writeBlob(directory, mediaType, Buffer.from(JSON.stringify(value)));
}

/** Ends a layout: says what it holds, and under which tag. */
export async function writeLayoutIndex(
  directory: string,
  top: Descriptor,
  tag: string,
): Promise<void> {
  const annotations = { 'org.opencontainers.image.ref.name': tag };
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [{ ...top, annotations }],
  };
  await writeFile(join(directory, 'index.json'), JSON.stringify(index));
}

/** What a layout holds: the descriptor of its one image or artifact. */
export async function readLayoutTop(directory: string): Promise<Descriptor> {
  const index = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8'));
  const [top, ...others] = index.manifests as readonly Descriptor[];
  if (top === undefined || others.length > 0) {
    throw new Error(`Expected one image in ${directory}, got ${index.manifests.length}.`);
  }
  return { mediaType: top.mediaType, digest: top.digest, size: top.size };
}

/** Reads a blob that holds JSON. */
// biome-ignore lint/suspicious/noExplicitAny: manifests of others are checked where they are read.
export async function readJsonBlob(directory: string, digest: string): Promise<any> {
  return JSON.parse(await readFile(blobPath(directory, digest), 'utf8'));
}
