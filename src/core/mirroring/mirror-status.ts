import type {
  ImageSetMirrorStatus,
  ListedCopy,
  MatchingImage,
  MirrorCopyState,
} from '#api/image-set-mirror-status.ts';
import type { StatusKind } from '#core/status/status-kind.ts';
import type { MirrorCopy, MirroredImage } from './mirrored-image.ts';
import { readMirroredImage, writeMirroredImage } from './status-entry.ts';

/** The fields of a status that mirroring writes; conditions are another writer's. */
export type MirrorStatus = Required<
  Pick<ImageSetMirrorStatus, 'imageCount' | 'mirroredCount' | 'failedCount' | 'matchingImages'>
>;

/** Behaviour §6: so many copies a status lists. */
export const statusCopiesMax = 2_000;
/** Behaviour §6: so many each that are `Expired`, and that are a `Collision`. */
export const urgentCopiesMax = 500;

/**
 * What an (Cluster)ImageSetMirror lists: copies that no replica may offer first, those about to be
 * deleted before those that hold another original; then what is wrong and in use, what is wrong, what
 * is in use, the rest. `now` says what time it is for whoever reads what kuik v2 wrote.
 */
export function mirrorStatus(now: () => number): StatusKind<MirroredImage, MirrorStatus> {
  return {
    listField: 'matchingImages',
    counts: [
      { field: 'mirroredCount', isCounted: isMirrored },
      { field: 'failedCount', isCounted: hasFailed },
    ],
    write: writeMirroredImage,
    read: (resource, entry) => readMirroredImage(resource, entry, now()),
    fieldsOf: (entry) => {
      const { image, mirrors = [], unusedSince } = entry as MatchingImage;
      return [image, unusedSince, ...mirrors.map(fieldsOfCopy)];
    },
    merge: mergeImages,
    ranks: urgentStates.length + 4,
    rankOf: (image) => {
      const urgent = urgentStates.findIndex((state) => hasCopyIn(image, state));
      return urgent === -1 ? ordinaryRankOf(image) : urgent;
    },
    sizeOf: ({ copies }) => copies.length,
    sizeMax: statusCopiesMax,
    urgent: {
      ranks: urgentStates.length,
      sizeMax: urgentCopiesMax,
      cut: (image) => ({ ...image, copies: image.copies.filter(isUrgent) }),
      ordinaryRankOf,
    },
    // One of which all copies are urgent may have been cut to these.
    isWhole: (entry) => {
      const { mirrors = [] } = entry as MatchingImage;
      return mirrors.length === 0 || mirrors.some(({ state }) => !isUrgentState(state));
    },
  };
}

/** Whether an image has all its copies. */
export function isMirrored({ copies }: MirroredImage): boolean {
  return copies.length > 0 && copies.every(({ mirroredAtMs }) => mirroredAtMs !== undefined);
}

/** Whether an image has a copy that failed. */
export function hasFailed({ copies }: MirroredImage): boolean {
  return copies.some(({ lastError }) => lastError !== undefined);
}

const urgentStates: readonly MirrorCopyState[] = ['Expired', 'Collision'];

function isUrgentState(state: MirrorCopyState | undefined): boolean {
  return urgentStates.some((one) => one === state);
}

function isUrgent({ state }: MirrorCopy): boolean {
  return isUrgentState(state);
}

function hasCopyIn({ copies }: MirroredImage, state: MirrorCopyState): boolean {
  return copies.some((copy) => copy.state === state);
}

function ordinaryRankOf(image: MirroredImage): number {
  const used = image.unusedSinceMs === undefined ? 0 : 1;
  return urgentStates.length + (hasFailed(image) ? used : 2 + used);
}

function fieldsOfCopy(copy: ListedCopy): readonly unknown[] {
  const { image, state, mirroredAt, digest, sourceDigest, platforms, adopted, lastError } = copy;
  return [image, state, mirroredAt, digest, sourceDigest, platforms, adopted, lastError];
}

/**
 * What was read later holds: a write that broke off leaves in the ConfigMaps, which are read after
 * the status, what is newer; but a copy that was made since is the newer one wherever it is told. A copy
 * that only one of them knows is kept: the status may list only what is urgent of an image.
 */
function mergeImages(first: MirroredImage, second: MirroredImage): MirroredImage {
  const rest = new Map(first.copies.map((copy) => [copy.copy, copy]));
  const copies = second.copies.map((later) => {
    const earlier = rest.get(later.copy);
    rest.delete(later.copy);
    const isOlder = (earlier?.mirroredAtMs ?? 0) > (later.mirroredAtMs ?? 0);
    return earlier !== undefined && isOlder ? earlier : later;
  });
  return { ...second, copies: [...copies, ...rest.values()] };
}
