import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import {
  type RegistryAddress,
  type RegistryRequest,
  type RegistryResponse,
  registryRequest,
} from './registry-request.ts';

/** What a pushed image is made of. */
export interface ImageOptions {
  /** Bytes of its only layer; the default is a few. */
  readonly layer?: Buffer;
  readonly architecture?: string;
  /** Makes the digest differ from that of an image that is the same otherwise. */
  readonly label?: string;
}

/** A manifest as the registry holds it. */
export interface PushedManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly size: number;
}

/** A blob as a manifest names it. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly urls?: readonly string[];
}

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';

/** In the place of a tag: a manifest that nothing names. */
export const byDigest = 'by-digest';

/** Pushes a small real image (a configuration and one layer) as `<repository>:<tag>`. */
export async function pushImage(
  registry: RegistryAddress,
  name: string,
  options: ImageOptions = {},
): Promise<PushedManifest> {
  const { repository, tag } = splitName(name);
  const layer = gzipSync(options.layer ?? Buffer.from(`a layer of ${name}`));
  const config = Buffer.from(
    JSON.stringify({
      architecture: options.architecture ?? 'amd64',
      os: 'linux',
      config: { Labels: { name, label: options.label ?? '' } },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    }),
  );
  await pushBlob(registry, repository, layer);
  await pushBlob(registry, repository, config);
  return await pushManifest(registry, `${repository}:${tag}`, {
    mediaType: manifestType,
    config: { ...descriptor(config), mediaType: 'application/vnd.oci.image.config.v1+json' },
    layers: [{ ...descriptor(layer), mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }],
  });
}

/** Pushes an index with one image for each architecture; answers with that of the index. */
export async function pushIndex(
  registry: RegistryAddress,
  name: string,
  architectures: readonly string[] = ['amd64', 'arm64'],
): Promise<PushedManifest> {
  const { repository } = splitName(name);
  const manifests: object[] = [];
  for (const architecture of architectures) {
    const image = await pushImage(registry, `${repository}:${architecture}`, { architecture });
    manifests.push({ ...image, platform: { os: 'linux', architecture } });
  }
  return await pushManifest(registry, name, { mediaType: indexType, manifests });
}

/** Deletes a manifest by its digest; its tags go with it. */
export async function deleteManifest(
  registry: RegistryAddress,
  repository: string,
  digest: string,
): Promise<void> {
  const path = `/v2/${repository}/manifests/${digest}`;
  await expectStatus(registry, { path, method: 'DELETE' }, 202);
}

/** `sha256:` of some bytes. */
export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A name as `<repository>:<tag>`; `latest` unless it says. */
export function splitName(name: string): { readonly repository: string; readonly tag: string } {
  const [, repository = '', tag = 'latest'] = /^(.*?)(?::([^:/]+))?$/.exec(name) ?? [];
  return { repository, tag };
}

function descriptor(bytes: Buffer): { readonly digest: string; readonly size: number } {
  return { digest: digestOf(bytes), size: bytes.length };
}

/** Uploads a blob that is known as a whole. */
export async function pushBlob(
  registry: RegistryAddress,
  repository: string,
  bytes: Buffer,
): Promise<void> {
  const location = await startUpload(registry, repository);
  location.searchParams.set('digest', digestOf(bytes));
  const path = `${location.pathname}${location.search}`;
  const headers = { 'content-type': 'application/octet-stream' };
  await expectStatus(registry, { path, method: 'PUT', body: bytes, headers }, 201);
}

/** Uploads a blob as it is made, in one pass, and says what it came to. */
export async function pushStream(
  registry: RegistryAddress,
  repository: string,
  bytes: AsyncIterable<Buffer>,
): Promise<{ readonly digest: string; readonly size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  const hashed = async function* () {
    for await (const part of bytes) {
      hash.update(part);
      size += part.length;
      yield part;
    }
  };
  const { pathname, search } = await startUpload(registry, repository);
  const sent = await expectStatus(
    registry,
    { path: `${pathname}${search}`, method: 'PATCH', body: Readable.from(hashed()) },
    202,
  );
  const location = new URL(String(sent.headers['location']), registry.url);
  const digest = `sha256:${hash.digest('hex')}`;
  location.searchParams.set('digest', digest);
  const path = `${location.pathname}${location.search}`;
  await expectStatus(registry, { path, method: 'PUT', body: '' }, 201);
  return { digest, size };
}

async function startUpload(registry: RegistryAddress, repository: string): Promise<URL> {
  const path = `/v2/${repository}/blobs/uploads/`;
  const started = await expectStatus(registry, { path, method: 'POST' }, 202);
  return new URL(String(started.headers['location']), registry.url);
}

/** Pushes a manifest, or an index, by the tag of `name`, or by its own digest (`byDigest`). */
export async function pushManifest(
  registry: RegistryAddress,
  name: string,
  manifest: { readonly mediaType: string; readonly [field: string]: unknown },
): Promise<PushedManifest> {
  const { repository, tag } = splitName(name);
  const body = Buffer.from(JSON.stringify({ schemaVersion: 2, ...manifest }));
  const path = `/v2/${repository}/manifests/${tag === byDigest ? digestOf(body) : tag}`;
  const headers = { 'content-type': manifest.mediaType };
  await expectStatus(registry, { path, method: 'PUT', body, headers }, 201);
  return { ...descriptor(body), mediaType: manifest.mediaType };
}

async function expectStatus(
  registry: RegistryAddress,
  request: RegistryRequest,
  status: number,
): Promise<RegistryResponse> {
  const response = await registryRequest(registry, request);
  if (response.status === status) return response;
  throw new Error(
    `${request.method} ${registry.url}${request.path}: expected ${status}, got ${response.status} ${response.body}`,
  );
}
