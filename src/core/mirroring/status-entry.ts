import {
  type ListedCopy,
  type MatchingImage,
  type MirrorCopyState,
  mirrorCopyStates,
} from '#api/image-set-mirror-status.ts';
import { cutText } from '#core/cut-text.ts';
import { formatReference, type ImageReference, parseReference } from '#core/image/reference.ts';
import { formatTime, parseTime } from '#core/rfc3339.ts';
import { lastErrorBytesMax } from '#core/status/status-kind.ts';
import type { MirrorCopy, MirroredImage } from './mirrored-image.ts';

/**
 * Reads an entry of `status.matchingImages`, or of the ConfigMaps beyond it, that this version, an
 * older one or kuik v2 wrote: what is missing or makes no sense is as if it had never been known. An
 * entry without a usable image is none, nor is a copy without one.
 */
export function readMirroredImage(
  resource: string,
  entry: unknown,
  nowMs: number,
): MirroredImage | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { image, mirrors, unusedSince } = entry as Unread<MatchingImage>;
  const reference = parsed(image);
  if (reference === undefined) return undefined;
  const unusedSinceMs = readUnusedSince(unusedSince, nowMs);
  const isUsed = unusedSinceMs === undefined;
  const copies = new Map<string, MirrorCopy>();
  for (const given of Array.isArray(mirrors) ? mirrors : []) {
    const copy = readCopy(given, isUsed);
    if (copy !== undefined && !copies.has(copy.copy)) copies.set(copy.copy, copy);
  }
  return {
    resource,
    image: formatReference(reference),
    copies: [...copies.values()],
    ...(unusedSinceMs !== undefined && { unusedSinceMs }),
  };
}

/** An image as statuses and ConfigMaps write it; the keys are always in this order. */
export function writeMirroredImage({
  image,
  copies,
  unusedSinceMs,
}: MirroredImage): Required<Pick<MatchingImage, 'image' | 'mirrors'>> & MatchingImage {
  return {
    image,
    mirrors: copies.map(writeCopy),
    ...(unusedSinceMs !== undefined && { unusedSince: formatTime(unusedSinceMs) }),
  };
}

/** What may stand in the place of a type that somebody claims. */
type Unread<T> = Readonly<Partial<Record<keyof T, unknown>>>;

const states: ReadonlySet<unknown> = new Set(mirrorCopyStates);
const digestShape = /^[a-z0-9]+:[a-f0-9]{32,128}$/;
/** As many as an index may have children (behaviour §5), each as long as no real one is. */
const platformsMax = 64;
const platformCharactersMax = 128;

function parsed(text: unknown): ImageReference | undefined {
  const reference = typeof text === 'string' ? parseReference(text) : undefined;
  return reference?.ok === true ? reference.value : undefined;
}

/** kuik v2 marks what it has just found unused with Go's zero time, and sets the clock later. */
function readUnusedSince(text: unknown, nowMs: number): number | undefined {
  const wallMs = parseTime(text);
  return wallMs === undefined || wallMs > 0 ? wallMs : nowMs;
}

function readCopy(given: unknown, isUsed: boolean): MirrorCopy | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const { image, state, lastError, adopted, ...rest } = given as Unread<ListedCopy>;
  const reference = parsed(image);
  if (reference === undefined) return undefined;
  const mirroredAtMs = parseTime(rest.mirroredAt);
  const isThere = mirroredAtMs !== undefined && mirroredAtMs > 0;
  const hasError = typeof lastError === 'string' && lastError !== '';
  const platforms = readPlatforms(rest.platforms);
  return {
    copy: formatReference(reference),
    state: states.has(state)
      ? (state as MirrorCopyState)
      : impliedState({ isThere, hasError, isUsed }),
    ...(isThere && { mirroredAtMs }),
    ...readDigests(rest),
    ...(platforms !== undefined && { platforms }),
    ...(typeof adopted === 'boolean' && { adopted }),
    ...(hasError && { lastError: cutText(lastError, lastErrorBytesMax) }),
  };
}

/** What kuik v2 means, which writes no state. */
function impliedState({ isThere, hasError, isUsed }: Readonly<Record<string, boolean>>) {
  if (hasError === true) return 'BackingOff';
  if (isThere !== true) return 'Scheduled';
  return isUsed === true ? 'Available' : 'Unused';
}

function readDigests({
  digest,
  sourceDigest,
}: Unread<ListedCopy>): Pick<MirrorCopy, 'digest' | 'sourceDigest'> {
  return {
    ...(isDigest(digest) && { digest }),
    // One text where both are equal: there are thousands.
    ...(isDigest(sourceDigest) && {
      sourceDigest: sourceDigest === digest ? digest : sourceDigest,
    }),
  };
}

function isDigest(text: unknown): text is string {
  return typeof text === 'string' && digestShape.test(text);
}

/** None at all is what a whole copy has; one that cannot be read is one that is not there. */
function readPlatforms(given: unknown): readonly string[] | undefined {
  if (!Array.isArray(given)) return undefined;
  return given
    .filter((one): one is string => typeof one === 'string' && one.length <= platformCharactersMax)
    .slice(0, platformsMax);
}

function writeCopy(copy: MirrorCopy): ListedCopy {
  const { state, mirroredAtMs, digest, sourceDigest, platforms, adopted, lastError } = copy;
  return {
    image: copy.copy,
    state,
    ...(mirroredAtMs !== undefined && { mirroredAt: formatTime(mirroredAtMs) }),
    ...(digest !== undefined && { digest }),
    ...(sourceDigest !== undefined && { sourceDigest }),
    ...(platforms !== undefined && { platforms }),
    ...(adopted !== undefined && { adopted }),
    ...(lastError !== undefined && { lastError: cutText(lastError, lastErrorBytesMax) }),
  };
}
