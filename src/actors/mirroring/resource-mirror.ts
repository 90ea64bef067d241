import { memoize } from '#core/bounded-map.ts';
import { type ImageReference, parseReference } from '#core/image/reference.ts';
import type { ClaimingResource } from '#core/mirroring/claim-index.ts';
import { type CopyPlace, copyPlaces } from '#core/mirroring/copy-places.ts';
import type { MirrorCopy, MirroredImage } from '#core/mirroring/mirrored-image.ts';
import type { ImageUse } from '#core/monitoring/use.ts';
import type { CompiledMirror } from '#core/routing/compiled.ts';
import type { Location } from '#core/routing/location.ts';
import type { MirroredCopies } from './mirrored-copies.ts';
import type { MirroredCopy } from './mirrored-copy.ts';

/** One image of the resource, with its copies by their full form. */
export interface MirrorEntry {
  readonly image: string;
  readonly reference: ImageReference;
  readonly copies: Map<string, MirroredCopy>;
  /** Wall time, ms. */
  unusedSinceMs: number | undefined;
  /** What the source's tag names now, where somebody looked in this term. */
  presentSourceDigest: string | undefined;
}

/** Images whose places are remembered; of the others they are found out anew, which is cheap. */
const placesMax = 4_096;

/** What one (Cluster)ImageSetMirror takes care of: its images, and their copies on its mirrors. */
export class ResourceMirror implements ClaimingResource {
  readonly resource: string;
  readonly #copies: MirroredCopies;
  readonly #entries = new Map<string, MirrorEntry>();
  #compiled: CompiledMirror | undefined;
  #placesOf: (image: string) => readonly CopyPlace[] = () => [];
  #use: (image: string) => ImageUse | undefined = () => undefined;
  phase: ClaimingResource['phase'] = 'unknown';

  constructor(resource: string, copies: MirroredCopies) {
    this.resource = resource;
    this.#copies = copies;
  }

  /** As it was compiled last. */
  get compiled(): CompiledMirror | undefined {
    return this.#compiled;
  }

  /** Its spec is this from now on. */
  readonly follow = (compiled: CompiledMirror): void => {
    if (this.#compiled === compiled) return;
    this.#compiled = compiled;
    this.#placesOf = memoize(placesMax, (image) => {
      const reference = parseReference(image);
      return reference.ok ? copyPlaces(compiled.entries, reference.value) : [];
    });
  };

  /** Its Pods are counted here from now on. */
  readonly count = (use: (image: string) => ImageUse | undefined): void => {
    this.#use = use;
  };

  readonly use = (image: string): ImageUse | undefined => this.#use(image);

  readonly places = (image: string): readonly CopyPlace[] => this.#placesOf(image);

  readonly get = (image: string): MirrorEntry | undefined => this.#entries.get(image);

  readonly names = (): Iterable<string> => this.#entries.keys();

  readonly entry = (image: string): MirroredImage | undefined => {
    const entry = this.#entries.get(image);
    return entry && this.#told(entry);
  };

  /** What its status tells of all its images. */
  *images(): Generator<MirroredImage> {
    for (const entry of this.#entries.values()) yield this.#told(entry);
  }

  /** Takes an image in; one that is there stays. */
  readonly add = (image: string, unusedSinceMs?: number): MirrorEntry | undefined => {
    const known = this.#entries.get(image);
    if (known !== undefined) return known;
    const reference = parseReference(image);
    if (!reference.ok) return undefined;
    const entry = {
      ...{ image, reference: reference.value, copies: new Map(), unusedSinceMs },
      presentSourceDigest: undefined,
    };
    this.#entries.set(image, entry);
    return entry;
  };

  /** Has one of its copies looked after, as its status had it or as nobody knows it yet. */
  readonly addCopy = (
    entry: MirrorEntry,
    place: CopyPlace,
    recorded?: MirrorCopy,
  ): MirroredCopy => {
    const use = this.use(entry.image);
    const isUnused = entry.unusedSinceMs !== undefined;
    const known = recorded ?? { copy: place.copy, state: 'Scheduled' as const };
    const what = { target: targetOf(place.entry.location), image: entry.image };
    const copy = this.#copies.add({ ...what, source: entry.reference, place }, known, isUnused);
    entry.copies.set(place.copy, copy);
    copy.demand(this.resource, { place, use, isUnused });
    return copy;
  };

  /** The resource has nothing to do with the copy any more. */
  readonly dropCopy = (entry: MirrorEntry, text: string): void => {
    const copy = entry.copies.get(text);
    entry.copies.delete(text);
    if (copy === undefined) return;
    copy.demands.delete(this.resource);
    if (copy.demands.size === 0) this.#copies.remove(copy);
    else copy.tellUse();
  };

  /** Its entry leaves the status. */
  readonly remove = (image: string): void => {
    const entry = this.#entries.get(image);
    if (entry === undefined) return;
    for (const text of [...entry.copies.keys()]) this.dropCopy(entry, text);
    this.#entries.delete(image);
  };

  /** How its Pods use an image, as its copies are to know. */
  readonly tellUse = (image: string): void => {
    const entry = this.#entries.get(image);
    if (entry === undefined) return;
    const use = this.use(image);
    const isUnused = entry.unusedSinceMs !== undefined;
    for (const place of this.places(image)) {
      entry.copies.get(place.copy)?.demand(this.resource, { place, use, isUnused });
    }
  };

  #told({ image, copies, unusedSinceMs, presentSourceDigest }: MirrorEntry): MirroredImage {
    const isUnused = unusedSinceMs !== undefined;
    return {
      ...{ resource: this.resource, image },
      copies: [...copies.values()].map((copy) => copy.told(isUnused)),
      ...(isUnused && { unusedSinceMs }),
      ...(presentSourceDigest !== undefined && { presentSourceDigest }),
    };
  }
}

/** What names a mirror: `<registry>[/<path>]`. */
export function targetOf({ registry, path }: Location): string {
  return path === '' ? registry : `${registry}/${path}`;
}
