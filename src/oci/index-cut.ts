import { isObject, parseJson } from '#core/json.ts';
import { formatPlatform, matchesPlatform, type Platform } from '#core/mirroring/platforms.ts';
import { type Child, digestOf, type Manifest, readManifest } from './image-manifest.ts';

/** An index with no more than what is wanted of it. */
export interface CutIndex {
  /** The same one where all of it is wanted. */
  readonly manifest: Manifest;
  /** What of the wanted it has; absent where the index is whole. Sorted, as all platforms here. */
  readonly platforms?: readonly string[];
  /** What of the wanted it has not. */
  readonly missing: readonly string[];
}

/** Cuts an index down to some platforms; `undefined` where it has none of them. */
export function cutIndex(index: Manifest, wanted: readonly Platform[]): CutIndex | undefined {
  const children = index.content.kind === 'index' ? index.content.children : [];
  const named = children.filter(isImage);
  // An artifact that names no platform is copied whole.
  if (named.length === 0) return { manifest: index, missing: [] };
  const matching = named.filter((child) => wanted.some((platform) => matches(platform, child)));
  if (matching.length === 0) return undefined;
  const kept = keptOf(children, matching);
  const told = { missing: missingOf(named, wanted) };
  if (kept.size === children.length) return { manifest: index, ...told };
  const platforms = namesOf(matching.flatMap(({ platform }) => platform ?? []));
  return { manifest: withOnly(index, kept), platforms, ...told };
}

/** The platforms of an index, as they are written. */
export function platformsOf(children: readonly Child[]): readonly string[] {
  return namesOf(children.filter(isImage).flatMap(({ platform }) => platform ?? []));
}

/** What is wanted of an index and not in it. */
export function missingOf(
  children: readonly Child[],
  wanted: readonly Platform[],
): readonly string[] {
  return namesOf(wanted.filter((one) => !children.some((child) => matches(one, child))));
}

function namesOf(platforms: readonly Platform[]): readonly string[] {
  return [...new Set(platforms.map(formatPlatform))].sort();
}

/** What runs somewhere: not an attestation, nor what names no platform. */
export function isImage({ platform }: Child): boolean {
  return platform !== undefined && platform.os !== 'unknown';
}

/**
 * The places of what stays: the images that match; attestations of these (rule 13 of copying), and
 * what names neither a platform nor an image.
 */
function keptOf(children: readonly Child[], matching: readonly Child[]): ReadonlySet<number> {
  const digests = new Set(matching.map(({ digest }) => digest));
  const kept = children.flatMap((child, place) => {
    const isOf = child.attests !== undefined && digests.has(child.attests);
    const isFree = child.platform === undefined && child.attests === undefined;
    return matching.includes(child) || isOf || isFree ? [place] : [];
  });
  return new Set(kept);
}

function matches(wanted: Platform, { platform }: Child): boolean {
  return platform !== undefined && matchesPlatform(wanted, platform);
}

/** Everything else of it stays, so that the same source always gives the same bytes. */
function withOnly(index: Manifest, places: ReadonlySet<number>): Manifest {
  const json = parseJson(index.bytes.toString('utf8'));
  const listed = isObject(json) && Array.isArray(json['manifests']) ? json['manifests'] : [];
  const manifests = listed.filter((_, place) => places.has(place));
  const bytes = Buffer.from(JSON.stringify({ ...(json as object), manifests }));
  const { mediaType } = index;
  const read = readManifest(bytes, { mediaType, algorithm: 'sha256' });
  if (!read.ok) throw new Error(`a cut index is none any more: ${read.error}`);
  return { ...read.value, digest: digestOf(bytes) };
}

export type { Platform } from '#core/mirroring/platforms.ts';
