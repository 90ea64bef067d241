import { formatReference, type ImageReference, parseReference } from '#core/image/reference.ts';
import type { Cleanup, CompiledMirrorEntry } from '#core/routing/compiled.ts';
import { imageBelow, pathBelow } from '#core/routing/location.ts';

/** Where one mirror entry puts the copy of one image. */
export interface CopyPlace {
  /** Full form of the copy, as statuses write it. */
  readonly copy: string;
  /** What it is in its registry (`placeKey`): images that are told apart may share it. */
  readonly key: string;
  readonly reference: ImageReference;
  readonly entry: CompiledMirrorEntry;
  /** Of the entries that have this place, the one that keeps it longest. */
  readonly cleanup: Cleanup;
}

/**
 * The places of an image's copies, in the order of the entries, each once. None on an entry under
 * whose own prefix the image lies already: copies of copies never arise.
 */
export function copyPlaces(
  entries: readonly CompiledMirrorEntry[],
  image: ImageReference,
): readonly CopyPlace[] {
  const places = new Map<string, CopyPlace>();
  for (const entry of entries) {
    if (pathBelow(entry.location, image) !== undefined) continue;
    const reference = imageBelow(entry.location, image.path, image);
    if (reference === undefined) continue;
    const key = placeKey(reference);
    const known = places.get(key);
    const cleanup = known === undefined ? entry.cleanup : laxer(known.cleanup, entry.cleanup);
    const copy = shared(formatReference(reference), key);
    places.set(
      key,
      known === undefined ? { copy, key, reference, entry, cleanup } : { ...known, cleanup },
    );
  }
  return [...places.values()];
}

/** Images of one resource whose places are remembered: some 20 MB, with two mirrors. */
const imagesRemembered = 50_000;

/**
 * Makes the question for the places of an image, by its full form; what was asked is remembered, since
 * plans ask of each image several times. None of one that cannot be read.
 */
export function rememberPlaces(
  entries: readonly CompiledMirrorEntry[],
): (image: string) => readonly CopyPlace[] {
  const remembered = new Map<string, readonly CopyPlace[]>();
  return (image) => {
    const known = remembered.get(image);
    if (known !== undefined) return known;
    const reference = parseReference(image);
    const places = reference.ok ? copyPlaces(entries, reference.value) : [];
    if (remembered.size >= imagesRemembered) remembered.clear();
    remembered.set(image, places);
    return places;
  };
}

/**
 * What an image is in its registry: no tag means `latest`, and a digest says all, whatever tag stands
 * beside it. Two texts with one key are one image: who deletes one of them deletes both.
 */
export function placeKey({ registry, path, tag = 'latest', digest }: ImageReference): string {
  return digest === undefined ? `${registry}/${path}:${tag}` : `${registry}/${path}@${digest}`;
}

/** The `placeKey` of an image in its full form. */
export function placeKeyOf(image: string): string {
  const at = image.indexOf('@');
  const name = at === -1 ? image : image.slice(0, at);
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  if (at === -1) return colon === -1 ? `${image}:latest` : image;
  return `${colon === -1 ? name : name.slice(0, colon)}${image.slice(at)}`;
}

/** One text where both are equal, as they are of nearly all: there are thousands. */
function shared(text: string, other: string): string {
  return text === other ? other : text;
}

function laxer(left: Cleanup, right: Cleanup): Cleanup {
  if (!left.enabled) return left;
  if (!right.enabled) return right;
  return left.retentionMs >= right.retentionMs ? left : right;
}
