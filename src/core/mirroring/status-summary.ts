import { compare } from '#core/compare.ts';
import type { ReadyState } from '#core/ready-condition.ts';
import { isMirrored } from './mirror-status.ts';
import type { MirrorCopy, MirroredImage } from './mirrored-image.ts';

/** How one mirror resource fares, as its conditions say it. */
export interface MirrorSummary {
  /** Of all its images. */
  readonly images: number;
  /** Images that have all their copies. */
  readonly mirrored: number;
  readonly troubles: readonly MirrorTrouble[];
  /** Images whose tag names something else than was copied, by name. */
  readonly moved: ReadonlyMap<string, MovedTag>;
  /** Whether the sources of all copies were looked at in this term. */
  readonly isSourceKnown: boolean;
}

/** What is wrong with some copies, and which image is the first by name. */
export interface MirrorTrouble {
  /** `Unclear` where only a status tells of the failure, which does not say what kind it is. */
  readonly reason: 'Collision' | 'CopyFailed' | 'RegistryUnreachable' | 'Unclear';
  readonly images: number;
  readonly first: { readonly image: string; readonly copy: string; readonly lastError: string };
}

/** A tag that names something else than was copied. */
export interface MovedTag {
  readonly from: string;
  readonly to: string;
}

/** Makes the summary of images that are added one by one, so that they can come in slices. */
export function createMirrorSummary() {
  let images = 0;
  let mirrored = 0;
  let isSourceKnown = true;
  const troubles = new Map<MirrorTrouble['reason'], MirrorTrouble>();
  const moved = new Map<string, MovedTag>();
  const addTrouble = (reason: MirrorTrouble['reason'], first: MirrorTrouble['first']): void => {
    const known = troubles.get(reason);
    const isFirst = known === undefined || compare(first.image, known.first.image) < 0;
    const count = (known?.images ?? 0) + 1;
    troubles.set(reason, { reason, images: count, first: isFirst ? first : known.first });
  };
  return {
    add: (image: MirroredImage): void => {
      images += 1;
      if (isMirrored(image)) mirrored += 1;
      for (const [reason, first] of troublesOf(image)) addTrouble(reason, first);
      const tag = movedTag(image);
      if (tag !== undefined) moved.set(image.image, tag);
      if (!isSourceSeen(image)) isSourceKnown = false;
    },
    finish: (): MirrorSummary => ({
      ...{ images, mirrored, isSourceKnown },
      troubles: [...troubles.values()],
      moved: new Map([...moved].sort(([left], [right]) => compare(left, right))),
    }),
  };
}

/**
 * What the `Ready` condition has to say of troubles. A failure of which nobody knows the kind any more
 * is what it was before: `before` is the reason that the condition has.
 */
export function troubleStates(
  summary: MirrorSummary,
  before: string | undefined,
): readonly ReadyState[] {
  const { images, mirrored } = summary;
  const unclear = before === 'RegistryUnreachable' ? before : 'CopyFailed';
  return summary.troubles.map((trouble) => {
    const reason = trouble.reason === 'Unclear' ? unclear : trouble.reason;
    const { image, copy, lastError } = trouble.first;
    const why = lastError === '' ? '' : `: ${lastError.replace(/\.$/, '')}`;
    const told =
      trouble.images === 1
        ? `1 image ${said[reason][0]}`
        : `${trouble.images} images ${said[reason][1]}`;
    return {
      reason,
      message: `${mirrored} of ${images} images are mirrored; ${told}, first ${image} to ${copy}${why}.`,
    };
  });
}

/** What a resource does of which nothing is wrong; undefined of one that has no images. */
export function progressMessage({ images, mirrored }: MirrorSummary): string | undefined {
  if (images === 0) return undefined;
  const all = images === 1 ? 'The 1 image is mirrored.' : `All ${images} images are mirrored.`;
  const rest = images - mirrored;
  const wait = rest === 1 ? '1 is' : `${rest} are`;
  return rest === 0 ? all : `${mirrored} of ${images} images are mirrored, ${wait} on the way.`;
}

/** What the `SourceChanged` condition says of tags that moved. */
export function movedMessage(moved: ReadonlyMap<string, MovedTag>): string {
  const [first] = moved;
  if (first === undefined) return 'Every tag names what was copied.';
  const [image, { from, to }] = first;
  const tags = moved.size === 1 ? '1 tag names' : `${moved.size} tags name`;
  return `${tags} something else than was copied, first ${image}: ${from} was copied, ${to} is there now.`;
}

const said = {
  Collision: [
    'cannot be, since another has its place',
    'cannot be, since others have their places',
  ],
  CopyFailed: ['failed', 'failed'],
  RegistryUnreachable: [
    'waits for a registry that does not answer',
    'wait for a registry that does not answer',
  ],
} as const;

/** What is wrong with an image, and with which of its copies first. */
function troublesOf({
  image,
  copies,
  unusedSinceMs,
}: MirroredImage): ReadonlyMap<MirrorTrouble['reason'], MirrorTrouble['first']> {
  const found = new Map<MirrorTrouble['reason'], MirrorTrouble['first']>();
  for (const copy of copies) {
    // What nobody uses is not tried again, and nobody has to act; only deletions are.
    if (unusedSinceMs !== undefined && copy.state !== 'Expired') continue;
    const reason = reasonOf(copy);
    if (reason === undefined || found.has(reason)) continue;
    found.set(reason, { image, copy: copy.copy, lastError: copy.lastError ?? '' });
  }
  return found;
}

function reasonOf({
  state,
  lastError,
  failure,
}: Pick<MirrorCopy, 'state' | 'failure' | 'lastError'>): MirrorTrouble['reason'] | undefined {
  if (state === 'Collision' || failure === 'collision') return 'Collision';
  if (lastError === undefined) return undefined;
  if (failure === undefined) return 'Unclear';
  return failure === 'unreachable' ? 'RegistryUnreachable' : 'CopyFailed';
}

function movedTag({ copies, presentSourceDigest: to }: MirroredImage): MovedTag | undefined {
  if (to === undefined) return undefined;
  const from = copies.find(
    ({ sourceDigest }) => sourceDigest !== undefined && sourceDigest !== to,
  )?.sourceDigest;
  return from === undefined ? undefined : { from, to };
}

/** A digest names the same for ever, and what nobody uses is not looked at. */
function isSourceSeen(image: MirroredImage): boolean {
  const { copies, presentSourceDigest, unusedSinceMs } = image;
  if (presentSourceDigest !== undefined || unusedSinceMs !== undefined) return true;
  const isPinned = image.image.includes('@');
  return isPinned || copies.every(({ sourceDigest }) => sourceDigest === undefined);
}
