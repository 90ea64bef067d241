import { mayBeOurs } from './copy-claims.ts';
import type { CopiedImage } from './copy-outcome.ts';
import type { MirrorCopy } from './mirrored-image.ts';

/**
 * The entry before the first byte is pushed where nothing stands at the place: what is found there
 * from now on is ours, though the process may end before it can say so.
 */
export function recordPush(copy: MirrorCopy): MirrorCopy {
  return mayBeOurs(copy) ? copy : { ...copy, adopted: false };
}

/** The entry of a copy that stands there, complete. */
export function recordCopied(
  before: MirrorCopy,
  { digest, sourceDigest, platforms, found }: CopiedImage,
  { others, nowMs }: CopyMoment,
): MirrorCopy {
  const adopted = found && ![before, ...others].some(mayBeOurs);
  return {
    copy: before.copy,
    ...{ state: 'Available', mirroredAtMs: nowMs, digest },
    // One text where both are equal: there are thousands.
    sourceDigest: sourceDigest === digest ? digest : sourceDigest,
    ...(platforms !== undefined && { platforms }),
    ...(adopted && { adopted }),
  };
}

/** When it was made or found, and who else has it. */
export interface CopyMoment {
  /** The entries of the other claims that hold it (`CopyJudgement`): one of ours may have written it. */
  readonly others: readonly MirrorCopy[];
  /** Wall time, ms. */
  readonly nowMs: number;
}
