import { type ImageReference, parseReference } from '#core/image/reference.ts';
import type { ClaimingResource } from '#core/mirroring/claimants.ts';
import { type CopyPlace, placeKey, rememberPlaces } from '#core/mirroring/copy-places.ts';
import type { MirrorCopy, MirroredImage } from '#core/mirroring/mirrored-image.ts';
import type { CopyActorState } from '#core/mirroring/told-state.ts';
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

/** What one (Cluster)ImageSetMirror takes care of: its images, and their copies on its mirrors. */
export class ResourceMirror implements ClaimingResource {
  readonly resource: string;
  readonly #copies: MirroredCopies;
  readonly #entries = new Map<string, MirrorEntry>();
  #compiled: CompiledMirror | undefined;
  #placesOf: (image: string) => readonly CopyPlace[] = () => [];
  #use: (image: string) => ImageUse | undefined = () => undefined;
  /** Images without a Pod: they are looked at when one of them may expire. */
  readonly unused = new Set<string>();
  /** `placeKey` of originals → the images that are told apart but are one. */
  readonly #named = new Map<string, Set<string>>();
  /** Copies of which something is to be done, or is being done. */
  readonly pending = new Set<MirroredCopy>();
  readonly #expired = new Set<MirroredCopy>();
  phase: ClaimingResource['phase'] = 'unknown';
  /** Since when it is known to be being deleted, on the clock of the process. */
  deletingSinceMs: number | undefined;

  constructor(resource: string, copies: MirroredCopies) {
    this.resource = resource;
    this.#copies = copies;
  }

  /** As it was compiled last. */
  get compiled(): CompiledMirror | undefined {
    return this.#compiled;
  }

  /** How many of its copies are `Expired`. */
  get expired(): number {
    return this.#expired.size;
  }

  /** Its spec is this from now on. */
  readonly follow = (compiled: CompiledMirror): void => {
    if (this.#compiled === compiled) return;
    this.#compiled = compiled;
    this.#placesOf = rememberPlaces(compiled.entries);
  };

  /** Its Pods are counted here from now on. */
  readonly count = (use: (image: string) => ImageUse | undefined): void => {
    this.#use = use;
  };

  readonly use = (image: string): ImageUse | undefined => this.#use(image);

  readonly places = (image: string): readonly CopyPlace[] => this.#placesOf(image);

  readonly get = (image: string): MirrorEntry | undefined => this.#entries.get(image);

  /** Its images that are this in their registry, as `placeKey`. */
  readonly named = (key: string): Iterable<string> => this.#named.get(key) ?? [];

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
    const key = placeKey(reference.value);
    this.#named.set(key, (this.#named.get(key) ?? new Set()).add(image));
    if (unusedSinceMs !== undefined) this.unused.add(image);
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
    const { resource } = this;
    const copy = this.#copies.add({ ...what, source: entry.reference, place }, known, {
      ...{ resource, place, use, isUnused },
    });
    entry.copies.set(place.copy, copy);
    this.see(copy);
    return copy;
  };

  /** One of its copies has come to another state. */
  readonly see = (copy: MirroredCopy): void => {
    setIn(this.pending, copy, pendingStates.has(copy.state));
    setIn(this.#expired, copy, copy.state === 'Expired' || copy.state === 'Deleting');
  };

  /** One of its copies is gone: there is nothing left of it. */
  readonly lose = (copy: MirroredCopy): void => {
    const entry = this.#entries.get(copy.image);
    if (entry?.copies.get(copy.place.copy) === copy) entry.copies.delete(copy.place.copy);
    this.#release(copy);
  };

  /** The resource has nothing to do with the copy any more. */
  readonly dropCopy = (entry: MirrorEntry, text: string): void => {
    const copy = entry.copies.get(text);
    entry.copies.delete(text);
    if (copy === undefined) return;
    this.#release(copy);
    if (copy.demands.size === 0) this.#copies.remove(copy);
    else copy.tellUse();
  };

  /** Its entry leaves the status. */
  readonly remove = (image: string): void => {
    const entry = this.#entries.get(image);
    if (entry === undefined) return;
    for (const text of [...entry.copies.keys()]) this.dropCopy(entry, text);
    this.#entries.delete(image);
    this.unused.delete(image);
    const key = placeKey(entry.reference);
    const named = this.#named.get(key);
    named?.delete(image);
    if (named?.size === 0) this.#named.delete(key);
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

  #release(copy: MirroredCopy): void {
    copy.demands.delete(this.resource);
    this.pending.delete(copy);
    this.#expired.delete(copy);
  }

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

/** In which something is to be done of a copy, or is being done; what failed waits like all else. */
const pendingStates: ReadonlySet<CopyActorState> = new Set<CopyActorState>([
  ...(['Scheduled', 'Checking', 'Copying', 'Expired', 'Deleting'] as const),
]);

function setIn<T>(set: Set<T>, item: T, isIn: boolean): void {
  if (isIn) set.add(item);
  else set.delete(item);
}

/** What names a mirror: `<registry>[/<path>]`. */
export function targetOf({ registry, path }: Location): string {
  return path === '' ? registry : `${registry}/${path}`;
}
