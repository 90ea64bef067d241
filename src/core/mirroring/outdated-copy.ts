import type { MirrorCopy } from './mirrored-image.ts';
import {
  formatPlatform,
  lackingPlatforms,
  matchesPlatform,
  type Platform,
  readPlatform,
} from './platforms.ts';

/** What copies keep of an index: all of it, or some platforms. */
export type KeptPlatforms = 'all' | readonly Platform[];

/**
 * Whether a copy is to be made anew although it stands: it is cut, and lacks a platform that is wanted
 * by now and that its source was not asked for in this term. One that holds more is left alone.
 * `wanted` is undefined while nobody knows it.
 */
export function isOutdated(
  { platforms, askedPlatforms = [] }: Pick<MirrorCopy, 'platforms' | 'askedPlatforms'>,
  wanted: KeptPlatforms | undefined,
): boolean {
  if (platforms === undefined || wanted === undefined) return false;
  const lacking = wanted === 'all' ? namesOf(wanted) : lackingPlatforms(wanted, platforms);
  return lacking.some((name) => !askedPlatforms.includes(name));
}

/** What is asked for where such a copy is made anew: what it holds it keeps, since Pods may use it. */
export function withHeld(
  wanted: KeptPlatforms,
  { platforms = [] }: Pick<MirrorCopy, 'platforms'>,
): KeptPlatforms {
  if (wanted === 'all') return wanted;
  const held = platforms.map(readPlatform);
  return [...wanted, ...held.filter((had) => !wanted.some((one) => matchesPlatform(one, had)))];
}

/** What a source was asked for, to be remembered of its copy; the whole image is `all`. */
export function namesOf(kept: KeptPlatforms): readonly string[] {
  return kept === 'all' ? [kept] : [...new Set(kept.map(formatPlatform))].sort();
}
