import { createHash } from 'node:crypto';
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

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const indexType = 'application/vnd.oci.image.index.v1+json';

/** Pushes a small real image (a configuration and one layer) as `<repository>:<tag>`. */
export async function pushImage(
  registry: RegistryAddress,
  name: string,
  options: ImageOptions = {},
): Promise<PushedManifest> {
  const { repository, tag } = split(name);
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
  const { repository } = split(name);
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

function split(name: string): { readonly repository: string; readonly tag: string } {
  const [, repository = '', tag = 'latest'] = /^(.*?)(?::([^:/]+))?$/.exec(name) ?? [];
  return { repository, tag };
}

function descriptor(bytes: Buffer): { readonly digest: string; readonly size: number } {
  return { digest: digestOf(bytes), size: bytes.length };
}

async function pushBlob(
  registry: RegistryAddress,
  repository: string,
  bytes: Buffer,
): Promise<void> {
  const started = await expectStatus(
    registry,
    { path: `/v2/${repository}/blobs/uploads/`, method: 'POST' },
    202,
  );
  const location = new URL(String(started.headers['location']), registry.url);
  location.searchParams.set('digest', digestOf(bytes));
  const path = `${location.pathname}${location.search}`;
  const headers = { 'content-type': 'application/octet-stream' };
  await expectStatus(registry, { path, method: 'PUT', body: bytes, headers }, 201);
}

async function pushManifest(
  registry: RegistryAddress,
  name: string,
  manifest: { readonly mediaType: string; readonly [field: string]: unknown },
): Promise<PushedManifest> {
  const { repository, tag } = split(name);
  const body = Buffer.from(JSON.stringify({ schemaVersion: 2, ...manifest }));
  const path = `/v2/${repository}/manifests/${tag}`;
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
