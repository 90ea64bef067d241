import { mayBeOurs } from './copy-claims.ts';
import type { CopiedImage } from './copy-outcome.ts';
import type { MirrorCopy } from './mirrored-image.ts';

/** What is about to be pushed, and to where. */
export interface CopyPush {
  /** What stands under the tag; absent where nothing does. */
  readonly standing?: string;
  /** What the copy is cut to, as `os/architecture[/variant]`; absent where it is whole. */
  readonly platforms?: readonly string[];
}

/**
 * The entry before the first byte is pushed. Where nothing stands at the place, what is found there from
 * now on is ours, though the process may end before it can say so. For whom it is has to be known before
 * it is there; what replaces another is, until then, for those alone whom both of them serve.
 */
export function recordPush(copy: MirrorCopy, { standing, platforms }: CopyPush): MirrorCopy {
  const { platforms: before, ...rest } = copy;
  if (standing === undefined) {
    const ours = mayBeOurs(copy) ? rest : { ...rest, adopted: false };
    return platforms === undefined ? ours : { ...ours, platforms };
  }
  const both = before === undefined || platforms === undefined ? (before ?? platforms) : undefined;
  const shared = both ?? platforms?.filter((one) => before?.includes(one));
  return shared === undefined ? rest : { ...rest, platforms: shared };
}

/** The entry of a copy that stands there, complete. */
export function recordCopied(
  before: MirrorCopy,
  { digest, sourceDigest, platforms, found }: CopiedImage,
  { others, nowMs, askedPlatforms }: CopyMoment,
): MirrorCopy {
  const adopted = found && ![before, ...others].some(mayBeOurs);
  return {
    copy: before.copy,
    ...{ state: 'Available', mirroredAtMs: nowMs, digest },
    // One text where both are equal: there are thousands.
    sourceDigest: sourceDigest === digest ? digest : sourceDigest,
    ...(platforms !== undefined && { platforms }),
    ...(adopted && { adopted }),
    ...(askedPlatforms !== undefined && { askedPlatforms }),
  };
}

/** When it was made or found, and who else has it. */
export interface CopyMoment {
  /** The entries of the other claims that hold it (`CopyJudgement`): one of ours may have written it. */
  readonly others: readonly MirrorCopy[];
  /** Wall time, ms. */
  readonly nowMs: number;
  /** What its source was asked for (`outdated-copy.ts`). */
  readonly askedPlatforms?: readonly string[];
}
