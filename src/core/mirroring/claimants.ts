import type { ImageUse } from '#core/monitoring/use.ts';
import {
  type AreEquivalent,
  type CopyClaim,
  type CopyJudgement,
  judgeCopy,
} from './copy-claims.ts';
import { type CopyPlace, placeKeyOf } from './copy-places.ts';
import type { MirrorCopy, MirroredImage } from './mirrored-image.ts';
import type { IsRecorded } from './original-judge.ts';
import type { Releases } from './running-images.ts';

/** One resource as far as it claims copies. All of it is read at the moment of a judgement. */
export interface ClaimingResource {
  /** `Kind/[namespace/]name`. */
  readonly resource: string;
  /** `unknown` until it is restored and its Pods are counted, and while its spec has a mistake. */
  readonly phase: 'unknown' | 'planned' | 'deleting';
  readonly entry: (image: string) => MirroredImage | undefined;
  readonly use: (image: string) => ImageUse | undefined;
  /** Where its present mirror entries put an image. */
  readonly places: (image: string) => readonly CopyPlace[];
}

/** An image of a resource. */
export interface Claimant {
  readonly resource: string;
  readonly image: string;
}

/**
 * Who claims which place, over all resources. What is claimed is read from the resources themselves;
 * here stands only who to ask.
 */
export class ClaimIndex {
  readonly #resources = new Map<string, ClaimingResource>();
  readonly #claimants = new Map<string, readonly Claimant[]>();
  /** By the `placeKey` of the original. */
  readonly #byOriginal = new Map<string, readonly Claimant[]>();
  /** Resource → image → keys of its places. */
  readonly #keys = new Map<string, Map<string, readonly string[]>>();

  readonly addResource = (resource: ClaimingResource): void => {
    this.#resources.set(resource.resource, resource);
  };

  /** It is gone, with all its claims; answers with the keys of their places. */
  readonly removeResource = (resource: string): ReadonlySet<string> => {
    const keys = new Set<string>();
    for (const [image, claimed] of this.#keys.get(resource) ?? []) {
      for (const key of claimed) {
        keys.add(key);
        leave(this.#claimants, key, { resource, image });
      }
      leave(this.#byOriginal, placeKeyOf(image), { resource, image });
    }
    this.#keys.delete(resource);
    this.#resources.delete(resource);
    return keys;
  };

  /**
   * Brings the claims of one image up to date: the places of what is wanted, and what its status
   * records. Called before the image is planned; answers with who else is to be planned again.
   */
  readonly update = (resource: string, image: string): readonly Claimant[] => {
    const asked = this.#resources.get(resource);
    if (asked === undefined) return [];
    const claimant = { resource, image };
    const keys = keysOf(asked, image);
    const before = this.#keys.get(resource)?.get(image) ?? noKeys;
    const isSameAsBefore =
      keys.length === before.length && keys.every((key) => before.includes(key));
    if (!isSameAsBefore) {
      this.#remember(claimant, keys);
      this.#move(claimant, before, keys);
    }
    // Nearly every place is claimed once, and there are thousands.
    const shared = [...before, ...keys].filter((key) => isShared(this.claimants(key), claimant));
    const affected = [...new Set(shared)].flatMap((key) => this.claimants(key));
    return affected.filter((one) => !isSame(one, claimant));
  };

  /** Whose images are to be planned again, since Pods began or ceased to run what they claim. */
  readonly touchedBy = ({ taken, running, originals }: Releases): readonly Claimant[] => [
    ...[...taken, ...running].flatMap((key) => this.claimants(key)),
    ...[...taken, ...originals].flatMap((key) => this.#byOriginal.get(key) ?? []),
  ];

  readonly claimants = (key: string): readonly Claimant[] => this.#claimants.get(key) ?? [];

  /** Whether a status records a copy of that original there, of a resource about that namespace. */
  readonly isRecorded: IsRecorded = (key, originalKey, namespace) =>
    this.claimants(key).some(
      ({ resource, image }) =>
        placeKeyOf(image) === originalKey &&
        isAbout(resource, namespace) &&
        this.#recorded(resource, image, key) !== undefined,
    );

  readonly claims = (key: string): readonly CopyClaim[] =>
    this.claimants(key).flatMap((claimant) => this.#claim(claimant, key) ?? []);

  readonly judge = (key: string, areEquivalent: AreEquivalent): CopyJudgement =>
    judgeCopy(this.claims(key), areEquivalent);

  #remember({ resource, image }: Claimant, keys: readonly string[]): void {
    const ofResource = this.#keys.get(resource) ?? new Map<string, readonly string[]>();
    if (keys.length === 0) ofResource.delete(image);
    else ofResource.set(image, keys);
    this.#keys.set(resource, ofResource);
  }

  #move(claimant: Claimant, before: readonly string[], keys: readonly string[]): void {
    for (const key of before) if (!keys.includes(key)) leave(this.#claimants, key, claimant);
    for (const key of keys) if (!before.includes(key)) enter(this.#claimants, key, claimant);
    const original = placeKeyOf(claimant.image);
    if (before.length === 0) enter(this.#byOriginal, original, claimant);
    if (keys.length === 0) leave(this.#byOriginal, original, claimant);
  }

  #claim({ resource, image }: Claimant, key: string): CopyClaim | undefined {
    const asked = this.#resources.get(resource);
    if (asked === undefined) return undefined;
    const unusedSinceMs = asked.entry(image)?.unusedSinceMs;
    const recorded = this.#recorded(resource, image, key);
    const place = asked.places(image).find((one) => one.key === key);
    return {
      ...{ resource, image, usage: usageOf(asked, image) },
      ...(unusedSinceMs !== undefined && { unusedSinceMs }),
      ...(place !== undefined && { cleanup: place.cleanup }),
      ...(recorded !== undefined && { recorded }),
    };
  }

  #recorded(resource: string, image: string, key: string): MirrorCopy | undefined {
    const copies = this.#resources.get(resource)?.entry(image)?.copies;
    return copies?.find(({ copy }) => placeKeyOf(copy) === key);
  }
}

const noKeys: readonly string[] = [];

/** The places of what is wanted, and of what is recorded; each once. */
function keysOf({ phase, entry, use, places }: ClaimingResource, image: string): readonly string[] {
  const recorded = (entry(image)?.copies ?? []).map(({ copy }) => placeKeyOf(copy));
  const isUsed = phase === 'planned' && use(image) !== undefined;
  const wanted = isUsed ? places(image).map(({ key }) => key) : noKeys;
  const keys = new Set(recorded.concat(wanted));
  return keys.size === 0 ? noKeys : [...keys];
}

type Claimants = Map<string, readonly Claimant[]>;

function enter(all: Claimants, key: string, claimant: Claimant): void {
  // No spread: an array that grows by it has room for sixteen more, and there are thousands.
  all.set(key, (all.get(key) ?? []).concat(claimant));
}

function leave(all: Claimants, key: string, claimant: Claimant): void {
  const left = (all.get(key) ?? []).filter((one) => !isSame(one, claimant));
  if (left.length === 0) all.delete(key);
  else all.set(key, left);
}

/** `Kind/name` is about all namespaces, `Kind/namespace/name` about its own. */
function isAbout(resource: string, namespace: string): boolean {
  const [, own, name] = resource.split('/');
  return name === undefined || own === namespace;
}

function isShared(claimants: readonly Claimant[], claimant: Claimant): boolean {
  return claimants.some((one) => !isSame(one, claimant));
}

function isSame(left: Claimant, right: Claimant): boolean {
  return left.image === right.image && left.resource === right.resource;
}

function usageOf({ phase, use }: ClaimingResource, image: string): CopyClaim['usage'] {
  if (phase !== 'planned') return phase;
  return use(image) === undefined ? 'unused' : 'wanted';
}
