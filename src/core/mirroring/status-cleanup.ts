import type { MirrorCopyState } from '#api/image-set-mirror-status.ts';
import { compare } from '#core/compare.ts';
import { parseReference } from '#core/image/reference.ts';
import type { CompiledMirrorEntry } from '#core/routing/compiled.ts';
import { type CopyClaim, judgeCopy, mayBeOurs } from './copy-claims.ts';
import { type CopyPlace, copyPlaces, placeKeyOf } from './copy-places.ts';
import type { MirrorCopy, MirroredImage } from './mirrored-image.ts';
import { mirrorAbove } from './status-report.ts';

/** A copy that is to be deleted, and why. */
export interface CleanupItem {
  /** `Kind/[namespace/]name` of the resource that deletes it. */
  readonly resource: string;
  /** The original. */
  readonly image: string;
  readonly copy: string;
  /** `<registry>[/<path>]`. */
  readonly mirror: string;
  readonly state: MirrorCopyState;
  readonly why: 'unused' | 'deleting';
  /** Since when no Pod uses the image, wall time in ms; absent where the resource goes before. */
  readonly unusedSinceMs?: number;
  readonly retentionMs: number;
  /** When it goes at the earliest, wall time in ms. */
  readonly dueMs: number;
  /** A Pod still runs from it: as long as that is there, it stays. */
  readonly isRun: boolean;
}

/** One mirror resource, as far as it cleans up. */
export interface CleaningResource {
  readonly resource: string;
  /** Empty of one that is left out: nobody can say what it still wants. */
  readonly entries: readonly CompiledMirrorEntry[];
  readonly phase: 'unknown' | 'planned' | 'deleting';
  readonly images: Iterable<MirroredImage>;
}

/** What a forecast is made from. */
export interface CleanupState {
  readonly resources: readonly CleaningResource[];
  /** Whether a Pod that has not finished runs from that place (`placeKey`). */
  readonly isRun: (key: string) => boolean;
  /** Wall time, ms. */
  readonly nowMs: number;
}

/**
 * Says which copies are to go if nothing changes, and when: those that a resource cleans up, that it
 * may delete, and that no other resource holds for ever. Yields after each image, where others may go
 * in between.
 */
export function* forecastCleanup(state: CleanupState): Generator<void, readonly CleanupItem[]> {
  const items: CleanupItem[] = [];
  for (const [key, claims] of yield* gatherClaims(state)) {
    const { keptUntilMs } = judgeCopy(claims, () => false);
    yield;
    if (keptUntilMs === Number.POSITIVE_INFINITY) continue;
    const dueMs = Math.max(keptUntilMs, state.nowMs);
    // A resource that goes leaves what another one holds to that.
    const isLeft = ({ usage }: PlacedClaim) => usage === 'deleting' && dueMs > state.nowMs;
    const cleaned = claims.filter((claim) => isCleaned(claim) && !isLeft(claim));
    items.push(...cleaned.map((claim) => itemOf(claim, { dueMs, isRun: state.isRun(key) })));
  }
  return items.sort((left, right) => left.dueMs - right.dueMs || compare(left.copy, right.copy));
}

/** What all resources have at each place. */
function* gatherClaims({
  resources,
}: CleanupState): Generator<void, ReadonlyMap<string, readonly PlacedClaim[]>> {
  const claims: PlacedClaim[] = [];
  for (const { images, ...resource } of resources) {
    for (const image of images) {
      claims.push(...claimsOf(resource, image));
      yield;
    }
  }
  return Map.groupBy(claims, ({ key }) => key);
}

/** A claim that a status records. */
interface PlacedClaim extends CopyClaim {
  readonly recorded: MirrorCopy;
  readonly mirror: string;
  /** Of its place. */
  readonly key: string;
}

function claimsOf(
  { resource, entries, phase }: Omit<CleaningResource, 'images'>,
  { image, copies, unusedSinceMs }: MirroredImage,
): readonly PlacedClaim[] {
  const reference = parseReference(image);
  const places: readonly CopyPlace[] = reference.ok ? copyPlaces(entries, reference.value) : [];
  const mirrors = entries.map(({ location: { registry, path } }) =>
    path === '' ? registry : `${registry}/${path}`,
  );
  const used = unusedSinceMs === undefined ? 'wanted' : 'unused';
  return copies.map((recorded) => {
    const key = placeKeyOf(recorded.copy);
    const place = places.find((one) => one.key === key);
    return {
      ...{ resource, image, recorded, key, usage: phase === 'planned' ? used : phase },
      mirror: mirrorAbove(mirrors, recorded.copy),
      ...(unusedSinceMs !== undefined && { unusedSinceMs }),
      ...(place !== undefined && { cleanup: place.cleanup }),
    };
  });
}

/** Whether a claim deletes its copy, once that is due. */
function isCleaned({ recorded, cleanup, usage }: PlacedClaim): boolean {
  const goes = usage === 'unused' || usage === 'deleting';
  return goes && cleanup?.enabled === true && mayBeOurs(recorded);
}

function itemOf(
  { resource, image, recorded, mirror, usage, cleanup, unusedSinceMs }: PlacedClaim,
  given: Pick<CleanupItem, 'dueMs' | 'isRun'>,
): CleanupItem {
  return {
    ...{ resource, image, copy: recorded.copy, mirror, state: recorded.state },
    why: usage === 'deleting' ? 'deleting' : 'unused',
    ...(unusedSinceMs !== undefined && { unusedSinceMs }),
    retentionMs: cleanup?.retentionMs ?? 0,
    ...given,
  };
}
