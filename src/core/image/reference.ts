import { fail, type Result, succeed } from '#core/result.ts';

/** An image reference parsed once into a value that cannot be invalid (behaviour §1). */
export interface ImageReference {
  /** Host with its port, `docker.io` when none was written. */
  readonly registry: string;
  /** Repository path without a leading slash, `library/` added on docker.io. */
  readonly path: string;
  /** The tag, only when one was written. */
  readonly tag?: string;
  /** `algo:hex`, only when one was written. */
  readonly digest?: string;
}

/** Why a text is no image reference: what was expected and what came. */
export interface ReferenceError {
  readonly message: string;
}

/** Docker Hub's name in every normalised reference. */
export const DOCKER_HUB = 'docker.io';

/** What Docker Hub was called first; images and credentials still name it so. */
export const DOCKER_HUB_INDEX = 'index.docker.io';

/** Longest repository path, without its registry (distribution/reference). */
const PATH_CHARACTERS_MAX = 255;

/**
 * Longest text that is looked at. A DNS name with a port, the longest path, tag and digest are
 * under 1,000 together; the grammar itself sets no limit to the host.
 */
export const REFERENCE_CHARACTERS_MAX = 4096;

const HOST_LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const HOST = `(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[[a-fA-F0-9:]+\\])`;
const REGISTRY = new RegExp(`^${HOST}(?::[0-9]+)?$`);
const PATH_SEGMENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const PATH = new RegExp(`^${PATH_SEGMENT}(?:/${PATH_SEGMENT})*$`);
const TAG = /^\w[\w.-]{0,127}$/;

/** An image identifier, or the digest of one: both are legal names, and nobody means them so. */
const BARE_DIGEST = /^(?:sha256:)?[a-f0-9]{64}$/;

/** The algorithms that the reference implementation knows, with their length in hex digits. */
const HEX_DIGITS: ReadonlyMap<string, number> = new Map([
  ['sha256', 64],
  ['sha384', 96],
  ['sha512', 128],
]);

/** Parses and normalises as the `distribution/reference` grammar does (behaviour §1). */
export function parseReference(text: string): Result<ImageReference, ReferenceError> {
  const problem = (expected: string) =>
    fail({ message: `expected ${expected}, got "${text.slice(0, 80)}"` });
  if (text.length > REFERENCE_CHARACTERS_MAX) {
    return problem(`an image of at most ${REFERENCE_CHARACTERS_MAX} characters`);
  }
  if (BARE_DIGEST.test(text)) return problem('the name of an image, not a bare digest');
  const { name, tag, digest } = split(text);
  const { registry, path } = normaliseName(name);
  if (!isRegistry(registry)) return problem('a registry host before the first slash');
  if (!isRepositoryPath(path)) {
    return problem(`a lower-case repository path of at most ${PATH_CHARACTERS_MAX} characters`);
  }
  if (tag !== undefined && !TAG.test(tag)) {
    return problem('a tag of at most 128 letters, digits, underscores, dots and dashes');
  }
  if (digest !== undefined && !isDigest(digest)) {
    return problem('a digest such as sha256: and 64 lower-case hex digits');
  }
  return succeed({
    registry,
    path,
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
  });
}

/** Full form with exactly the tag and digest that were written. */
export function formatReference(reference: ImageReference): string {
  const { registry, path, tag, digest } = reference;
  const tagged = tag === undefined ? `${registry}/${path}` : `${registry}/${path}:${tag}`;
  return digest === undefined ? tagged : `${tagged}@${digest}`;
}

/** Whether neither tag nor digest was written, so that `latest` is meant. */
export function isUntagged(reference: ImageReference): boolean {
  return reference.tag === undefined && reference.digest === undefined;
}

/** Whether `text` is a host with an optional port, as the reference grammar has it. */
export function isRegistry(text: string): boolean {
  return REGISTRY.test(text);
}

/** Whether `text` is a repository path without registry, tag and digest. */
export function isRepositoryPath(text: string): boolean {
  return text.length <= PATH_CHARACTERS_MAX && PATH.test(text);
}

/** Docker Hub under its one name; any other registry as it is written. */
export function normaliseRegistry(registry: string): string {
  return registry === DOCKER_HUB_INDEX ? DOCKER_HUB : registry;
}

/**
 * The reference with another registry and path, tag and digest kept, normalised like one that
 * somebody wrote; `undefined` where the two make no reference.
 */
export function relocateReference(
  reference: ImageReference,
  registry: string,
  path: string,
): ImageReference | undefined {
  const host = normaliseRegistry(registry);
  const full = host === DOCKER_HUB && path !== '' && !path.includes('/') ? `library/${path}` : path;
  if (!isRegistry(host) || !isRepositoryPath(full)) return undefined;
  return { ...reference, registry: host, path: full };
}

/** Cuts off the digest at the first `@` and the tag at the last colon that no slash follows. */
function split(text: string): { name: string; tag?: string; digest?: string } {
  const at = text.indexOf('@');
  const rest = at === -1 ? text : text.slice(0, at);
  const digest = at === -1 ? {} : { digest: text.slice(at + 1) };
  // What follows a colon in the last segment is a tag, never a port: a host alone is no image.
  const colon = rest.indexOf(':', rest.lastIndexOf('/') + 1);
  if (colon === -1) return { name: rest, ...digest };
  return { name: rest.slice(0, colon), tag: rest.slice(colon + 1), ...digest };
}

function normaliseName(name: string): { registry: string; path: string } {
  const slash = name.indexOf('/');
  const first = slash === -1 ? '' : name.slice(0, slash);
  if (!looksLikeHost(first)) return { registry: DOCKER_HUB, path: onDockerHub(name) };
  const registry = normaliseRegistry(first);
  const path = name.slice(slash + 1);
  return { registry, path: registry === DOCKER_HUB ? onDockerHub(path) : path };
}

function looksLikeHost(segment: string): boolean {
  return (
    segment === 'localhost' ||
    segment.includes('.') ||
    segment.includes(':') ||
    segment.toLowerCase() !== segment
  );
}

function onDockerHub(path: string): string {
  return path.includes('/') ? path : `library/${path}`;
}

function isDigest(text: string): boolean {
  const [algorithm = '', hex = '', ...rest] = text.split(':');
  return rest.length === 0 && hex.length === HEX_DIGITS.get(algorithm) && /^[0-9a-f]+$/.test(hex);
}
