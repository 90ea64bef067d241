import { createHash } from 'node:crypto';
import { isObject, type JsonObject, parseJson } from '#core/json.ts';
import { fail, mapUntilFailure, type Result, succeed } from '#core/result.ts';

/** What names a blob or a manifest. */
export interface Descriptor {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
}

/** A manifest in an index. */
export interface Child extends Descriptor {
  readonly platform?: {
    readonly os: string;
    readonly architecture: string;
    readonly variant?: string;
  };
  /** The digest of the image that this one attests. */
  readonly attests?: string;
}

/** What a manifest leads to; its bytes stay as they came (rule 11 of copying). */
export type ManifestContent =
  | { readonly kind: 'index'; readonly children: readonly Child[] }
  | { readonly kind: 'image'; readonly blobs: readonly Descriptor[] };

/** One manifest. */
export interface Manifest {
  readonly bytes: Buffer;
  readonly digest: string;
  readonly mediaType: string;
  readonly content: ManifestContent;
}

/** Behaviour §5: what a source sends is bounded. */
const CHILDREN_MAX = 64;
/** Container runtimes stop at 127 layers; artifacts have more. */
const LAYERS_MAX = 512;

const INDEX_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** Reads a manifest as far as a copy needs it; the failure says what was expected. */
export function readManifest(
  bytes: Buffer,
  told: { readonly mediaType: string | undefined; readonly algorithm: string },
): Result<Manifest, string> {
  const json = parseJson(bytes.toString('utf8'));
  if (!isObject(json)) return fail('expected a manifest, got no JSON object');
  const mediaType = mediaTypeOf(json, told.mediaType);
  const content = isIndexType(mediaType) ? readIndex(json) : readImage(json);
  if (!content.ok) return content;
  const digest = digestOf(bytes, told.algorithm);
  return succeed({ bytes, digest, mediaType, content: content.value });
}

/** Whether a media type is one of an index; its parameters do not matter. */
export function isIndexType(mediaType: string): boolean {
  return INDEX_TYPES.has(mediaType.split(';')[0]?.trim() ?? '');
}

/** `sha256:…` of some bytes. */
export function digestOf(bytes: Buffer, algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** The algorithm of a digest where it is one that registries know. */
export function algorithmOf(digest: string): string | undefined {
  return /^(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/.test(digest)
    ? digest.slice(0, 6)
    : undefined;
}

/** What it says of itself goes before what its registry says. */
function mediaTypeOf(json: JsonObject, said: string | undefined): string {
  const own = json['mediaType'];
  if (typeof own === 'string' && own !== '') return own;
  const plain = said?.split(';')[0]?.trim() ?? '';
  if (/^application\/vnd\.(oci|docker)\./.test(plain)) return plain;
  return Array.isArray(json['manifests']) ? OCI_INDEX : OCI_MANIFEST;
}

function readIndex(json: JsonObject): Result<ManifestContent, string> {
  const listed = json['manifests'];
  if (!Array.isArray(listed)) return fail('expected an index with manifests');
  if (listed.length > CHILDREN_MAX) {
    return fail(`expected at most ${CHILDREN_MAX} manifests in an index, got ${listed.length}`);
  }
  const children = mapUntilFailure(listed, readChild);
  return children.ok ? succeed({ kind: 'index', children: children.value }) : children;
}

function readChild(value: unknown): Result<Child, string> {
  const descriptor = readDescriptor(value);
  if (!descriptor.ok) return descriptor;
  return succeed({ ...descriptor.value, ...readPlatform(value), ...readAttested(value) });
}

function readImage(json: JsonObject): Result<ManifestContent, string> {
  const { config, layers, blobs } = json;
  if (config === undefined && !Array.isArray(blobs)) {
    return fail('expected a manifest with a config, got another kind (schema 1 is not copied)');
  }
  const listed = layers ?? blobs ?? [];
  if (!Array.isArray(listed)) return fail('expected a list of layers');
  if (listed.length > LAYERS_MAX) {
    return fail(`expected at most ${LAYERS_MAX} layers, got ${listed.length}`);
  }
  const read = mapUntilFailure(config === undefined ? listed : [config, ...listed], readDescriptor);
  if (!read.ok) return read;
  return succeed({ kind: 'image', blobs: read.value.filter((blob) => !isForeign(blob)) });
}

/** Layers that may not be passed on: Windows' base layers, fetched from Microsoft by each node. */
function isForeign({ mediaType }: Descriptor): boolean {
  return /\.(foreign\.diff|nondistributable)\./.test(mediaType);
}

function readDescriptor(value: unknown): Result<Descriptor, string> {
  if (!isObject(value)) return fail('expected a descriptor');
  const { digest, size, mediaType } = value;
  if (typeof digest !== 'string' || algorithmOf(digest) === undefined) {
    return fail('expected a descriptor with a digest such as sha256: and 64 hex digits');
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    return fail(`expected the size of ${digest}`);
  }
  return succeed({ digest, size, mediaType: typeof mediaType === 'string' ? mediaType : '' });
}

function readPlatform(value: unknown): Pick<Child, 'platform'> {
  const platform = isObject(value) ? value['platform'] : undefined;
  if (!isObject(platform)) return {};
  const { os, architecture, variant } = platform;
  if (typeof os !== 'string' || typeof architecture !== 'string') return {};
  return {
    platform: {
      os,
      architecture,
      ...(typeof variant === 'string' && variant !== '' && { variant }),
    },
  };
}

/** BuildKit's annotation. */
function readAttested(value: unknown): Pick<Child, 'attests'> {
  const annotations = isObject(value) ? value['annotations'] : undefined;
  const attests = isObject(annotations) ? annotations['vnd.docker.reference.digest'] : undefined;
  return typeof attests === 'string' ? { attests } : {};
}
