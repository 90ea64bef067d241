import { placeKeyOf } from '#core/mirroring/copy-places.ts';
import { coversArchitectures } from '#core/mirroring/platforms.ts';
import type { CandidateOrigin } from './decision.ts';
import type { CopyRecord, KnownCopies } from './known-copies.ts';

/** A copy that a resource would propose. */
export interface ProposedCopy {
  /** `Kind/[namespace/]name` of the resource. */
  readonly by: CandidateOrigin;
  /** In full form. */
  readonly copy: string;
  /** The image that it would be a copy of: the original, or one that a set declares the same. */
  readonly base: string;
  /** All of these, in full form. */
  readonly bases: { readonly has: (image: string) => boolean };
  /** Of the Pod. */
  readonly namespace: string;
  /** Where the Pod may run; undefined where nobody knows. */
  readonly architectures: () => readonly string[] | undefined;
}

/** A copy that is not offered, and why. */
export interface LeftOutCopy {
  readonly by: CandidateOrigin;
  readonly image: string;
  readonly reason: 'Expired' | 'Collision' | 'Platforms';
  /** A sentence for a person. */
  readonly message: string;
}

/**
 * Why a copy is not offered, by what statuses record of it (behaviour §3.3 and §5); undefined where it
 * may be. One of which nothing is recorded may be: its registry is asked.
 */
export function whyLeftOut(known: KnownCopies, proposed: ProposedCopy): LeftOutCopy | undefined {
  const recorded = known.recordsOf(proposed.copy);
  if (recorded.length === 0) return undefined;
  const own = recorded.filter(({ resource }) => resource === proposed.by);
  const mine =
    own.find(({ original }) => original === proposed.base) ??
    own.find(({ original }) => isSameImage(original, proposed.base));
  if (mine?.isExpired) return expired(proposed);
  if (mine?.state === 'Collision') return collision(proposed, own.find(isHolder), mine.lastError);
  if (mine?.isThere) return judgePlatforms(proposed, mine);
  // An entry that comes first keeps the place, whether or not its copy has been made by now.
  const ahead = own.filter((record) => record !== mine && record.state !== 'Collision');
  const others = recorded.filter((record) => isOthers(record, proposed));
  if ([...ahead, ...others].some(isGoing)) return expired(proposed);
  const holders = [
    ...(mine === undefined ? ahead : ahead.filter(isHolder)),
    ...others.filter(isHolder),
  ];
  if (holders.length === 0) return undefined;
  const fitting = holders.find(({ original }) => proposed.bases.has(original));
  return fitting ? judgePlatforms(proposed, fitting) : collision(proposed, holders[0]);
}

/** An image without a tag is the latest, and what has a digest is that, whatever its tag. */
function isSameImage(left: string, right: string): boolean {
  return placeKeyOf(left) === placeKeyOf(right);
}

/** What it holds is known: somebody made it, or found it. */
function isHolder({ isThere }: CopyRecord): boolean {
  return isThere;
}

/** Whoever does not have it recorded could not keep it from being deleted. */
function isGoing({ isExpired, isAdopted }: CopyRecord): boolean {
  return isExpired && !isAdopted;
}

/**
 * Whether another resource's record counts. What a namespace merely found on a registry that it names
 * says nothing to the others; what it wrote there does.
 */
function isOthers(record: CopyRecord, { by, namespace }: ProposedCopy): boolean {
  if (record.resource === by || record.state === 'Collision') return false;
  return !record.isAdopted || record.namespace === undefined || record.namespace === namespace;
}

function expired({ by, copy }: ProposedCopy): LeftOutCopy {
  const message = `${copy} is not offered: it may be deleted at any time (Expired)`;
  return { by, image: copy, reason: 'Expired', message };
}

function collision(
  { by, copy, base }: ProposedCopy,
  holder: CopyRecord | undefined,
  lastError?: string,
): LeftOutCopy {
  const why = holder === undefined ? lastError : `it is the place of ${holder.original}`;
  const because = why === undefined ? '' : `, ${why}`;
  const message = `${copy} is not offered: it is no copy of ${base}${because} (Collision)`;
  return { by, image: copy, reason: 'Collision', message };
}

/** A cut copy is for Pods that run on what it holds, wherever they are scheduled. */
function judgePlatforms(
  { by, copy, architectures }: ProposedCopy,
  { platforms }: CopyRecord,
): LeftOutCopy | undefined {
  if (platforms === undefined) return undefined;
  const wanted = architectures();
  if (wanted !== undefined && coversArchitectures(platforms, wanted)) return undefined;
  const where = wanted?.join(', ') ?? 'no architecture that is known';
  const message = `${copy} is not offered: it holds ${platforms.join(', ')} alone, and the Pod may run on ${where}`;
  return { by, image: copy, reason: 'Platforms', message };
}
