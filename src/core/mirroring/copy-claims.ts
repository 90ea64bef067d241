import { compare } from '#core/compare.ts';
import type { Cleanup } from '#core/routing/compiled.ts';
import { placeKeyOf } from './copy-places.ts';
import type { MirrorCopy } from './mirrored-image.ts';

/** That one resource has one image copied to one place, or had; places are told by `placeKey`. */
export interface CopyClaim {
  /** `Kind/[namespace/]name`. */
  readonly resource: string;
  /** The original, in full form. */
  readonly image: string;
  /**
   * `wanted`: Pods in its scope use the image. `unused`: none does, since `unusedSinceMs`. `unknown`:
   * nobody can say, as long as the resource has a mistake or its Pods are not counted.
   * `deleting`: the resource is being deleted, and wants nothing any more.
   */
  readonly usage: 'wanted' | 'unused' | 'unknown' | 'deleting';
  readonly unusedSinceMs?: number;
  /** Of the mirror entry; absent where the place lies under none of its present entries. */
  readonly cleanup?: Cleanup;
  /** What its status says of the copy; absent before it says anything. */
  readonly recorded?: MirrorCopy;
}

/** All that is decided about one place from the claims of all resources (behaviour §5). */
export interface CopyJudgement {
  /** The image that has the place; absent where no claim is in need of it. */
  readonly keeper?: string;
  /** The claims that must wait for the place: their copy is a `Collision`. */
  readonly colliding: readonly CopyClaim[];
  /** The claims that hold the copy: those that share it, and any whose status still says so. */
  readonly holding: readonly CopyClaim[];
  /**
   * Those on whose behalf it may be copied, in the order to try: each with its own push Secret and
   * its own sources, and never with another's.
   */
  readonly copiers: readonly CopyClaim[];
  /** Until when no claim lets the copy go, wall time in ms; infinite while one wants it. */
  readonly keptUntilMs: number;
}

/**
 * Whether two claims of different originals may share a copy: in the eyes of the resources of both,
 * since each of them would be given what the other copied (`copy-sources.ts`).
 */
export type AreEquivalent = (left: CopyClaim, right: CopyClaim) => boolean;

/**
 * Judges one place. Who is there keeps it; among equals who came first into a status, then a stable
 * order: so nothing that was copied is ever overwritten by another image, whoever comes.
 */
export function judgeCopy(
  claims: readonly CopyClaim[],
  areEquivalent: AreEquivalent,
): CopyJudgement {
  const [only] = claims;
  // Nearly every place is claimed once, and there are thousands.
  if (only !== undefined && claims.length === 1) return judgeOnly(only, claims);
  const keeper = keeperOf(claims);
  const shares = (one: CopyClaim, other: CopyClaim) =>
    isSameOriginal(one, other) || areEquivalent(one, other);
  const sharing = keeper === undefined ? claims : claims.filter((one) => shares(keeper, one));
  const colliding = claims.filter((claim) => !sharing.includes(claim));
  const holding = [...sharing, ...colliding.filter(isHolding)];
  return {
    ...{ colliding, holding },
    ...(keeper !== undefined && { keeper: keeper.image }),
    copiers: sharing
      .filter((one) => isCopier(one) && sharing.every((other) => shares(one, other)))
      .sort((left, right) => compareCopiers(left, right, keeper)),
    keptUntilMs: Math.max(...holding.map(keptUntilMs)),
  };
}

function judgeOnly(claim: CopyClaim, claims: readonly CopyClaim[]): CopyJudgement {
  return {
    ...{ keeper: claim.image, colliding: noClaims, holding: claims },
    copiers: isCopier(claim) ? claims : noClaims,
    keptUntilMs: keptUntilMs(claim),
  };
}

const noClaims: readonly CopyClaim[] = [];

/** Whether something is known to stand at the place on behalf of this claim. */
export function isThere({ recorded }: Pick<CopyClaim, 'recorded'>): boolean {
  if (recorded === undefined || recorded.state === 'Collision') return false;
  return recorded.mirroredAtMs !== undefined || recorded.digest !== undefined;
}

/**
 * Whether the copy may have been written by one of ours, so that it may be deleted by one of ours:
 * what was found there is not, and neither is what was never known to be there. `adopted: false` says
 * that nothing stood there before the first byte was pushed.
 */
export function mayBeOurs({ state, adopted, mirroredAtMs, digest }: MirrorCopy): boolean {
  if (adopted === true || state === 'Collision') return false;
  return adopted === false || mirroredAtMs !== undefined || digest !== undefined;
}

/** When the claim lets the copy go, wall time in ms. */
function keptUntilMs({ usage, unusedSinceMs, cleanup }: CopyClaim): number {
  if (usage === 'deleting') return Number.NEGATIVE_INFINITY;
  if (usage !== 'unused') return Number.POSITIVE_INFINITY;
  // A place that is none of its entries any more is about to leave its status.
  if (cleanup === undefined) return Number.NEGATIVE_INFINITY;
  if (!cleanup.enabled || unusedSinceMs === undefined) return Number.POSITIVE_INFINITY;
  return unusedSinceMs + cleanup.retentionMs;
}

/** What it copies must be right for all who share the place, not for the keeper alone. */
function isCopier({ usage, cleanup }: CopyClaim): boolean {
  return usage === 'wanted' && cleanup !== undefined;
}

/** Whoever collides now may have shared it until now: its copy stays until its status says so. */
function isHolding({ recorded }: CopyClaim): boolean {
  return recorded !== undefined && recorded.state !== 'Collision';
}

/** One image may be written in several ways. */
function isSameOriginal(left: CopyClaim, right: CopyClaim): boolean {
  return left.image === right.image || placeKeyOf(left.image) === placeKeyOf(right.image);
}

function keeperOf(claims: readonly CopyClaim[]): CopyClaim | undefined {
  const inNeed = claims.filter((claim) => isThere(claim) || claim.usage !== 'deleting');
  return inNeed.sort(comparePlaceholders)[0];
}

/** In the order of who has the place: who is there, who stands in a status, who wants it. */
function comparePlaceholders(left: CopyClaim, right: CopyClaim): number {
  return (
    rankOf(left) - rankOf(right) ||
    compare(left.recorded?.mirroredAtMs ?? 0, right.recorded?.mirroredAtMs ?? 0) ||
    compare(left.image, right.image) ||
    compare(left.resource, right.resource)
  );
}

function rankOf(claim: CopyClaim): number {
  if (isThere(claim)) return 0;
  if (isHolding(claim) && claim.usage !== 'unused') return 1;
  return claim.usage === 'wanted' ? 2 : 3;
}

/** Whoever's image has the place, and whoever copied it, goes on; then a stable order. */
function compareCopiers(left: CopyClaim, right: CopyClaim, keeper = left): number {
  const isOther = (claim: CopyClaim) => (isSameOriginal(keeper, claim) ? 0 : 1);
  return (
    isOther(left) - isOther(right) ||
    rankOf(left) - rankOf(right) ||
    compare(left.resource, right.resource)
  );
}
