import type {
  ClusterImageSetAvailabilityStatus,
  MonitoredImage,
} from '#api/image-set-availability.ts';
import { utf8Bytes } from '#core/cut-text.ts';
import { createNamePicker, type NamePicker } from './first-by-name.ts';
import { isWrong, writeMonitoredImage } from './monitored-image.ts';
import type { TrackedImage } from './tracked-image.ts';

/** The fields of a status that monitoring writes; conditions are another writer's. */
export type AvailabilityStatus = Required<
  Pick<
    ClusterImageSetAvailabilityStatus,
    'imageCount' | 'availableCount' | 'missingCount' | 'images'
  >
>;

/** What a status says, and the images it has no room for, the most important first. */
export interface StatusList {
  readonly status: AvailabilityStatus;
  /** Those that the status lists, as it does. */
  readonly listed: readonly TrackedImage[];
  readonly beyond: readonly TrackedImage[];
}

/** Makes a status from images that it is given one by one, so that they can come in slices. */
export interface StatusLister {
  readonly add: (image: TrackedImage) => void;
  /** Called once, after all. */
  readonly finish: () => StatusList;
}

/** Behaviour §6: nobody reads more in a status, and an object has to stay small. */
export const statusImagesMax = 1_000;
/** Leaves 124 KiB of a mebibyte to conditions, metadata and who wrote which field. */
export const statusImagesBytesMax = 900 * 1024;

/**
 * Makes the status of one resource from all its images: what is wrong and in use is listed first,
 * then what is wrong, then what is in use, then the rest, each by name. Counts are of all; one that
 * was never checked is in neither `availableCount` nor `missingCount`.
 */
export function createStatusLister(): StatusLister {
  const ranks = Array.from({ length: 4 }, () => createNamePicker<TrackedImage>(statusImagesMax));
  const counts = { imageCount: 0, availableCount: 0, missingCount: 0 };
  return {
    add: (image) => {
      ranks[rankOf(image)]?.add(image);
      counts.imageCount += 1;
      if (image.status === 'Available') counts.availableCount += 1;
      if (isWrong(image.status)) counts.missingCount += 1;
    },
    finish: () => {
      const { entries, ...filled } = fill(ranks);
      return { status: { ...counts, images: entries }, ...filled };
    },
  };
}

/**
 * A text that is equal for statuses that say the same, whoever wrote them and in whatever order of
 * keys; of a stored object only the fields of `AvailabilityStatus` count.
 */
export function statusText(status: ClusterImageSetAvailabilityStatus): string {
  const { imageCount, availableCount, missingCount, images = [] } = status;
  const lines = images.map(
    ({ image, status: said, original, unusedSince, lastMonitor, lastError }) =>
      JSON.stringify([image, said, original, unusedSince, lastMonitor, lastError]),
  );
  return [imageCount, availableCount, missingCount, ...lines].join('\n');
}

function rankOf({ status, unusedSinceMs }: TrackedImage): number {
  const used = unusedSinceMs === undefined ? 0 : 1;
  return isWrong(status) ? used : 2 + used;
}

function fill(ranks: readonly NamePicker<TrackedImage>[]): {
  readonly entries: readonly MonitoredImage[];
  readonly listed: readonly TrackedImage[];
  readonly beyond: readonly TrackedImage[];
} {
  const entries: MonitoredImage[] = [];
  const listed: TrackedImage[] = [];
  const beyond: TrackedImage[][] = [];
  let bytesLeft = statusImagesBytesMax;
  for (const rank of ranks) {
    const { first, rest } = rank.pick(beyond.length > 0 ? 0 : statusImagesMax - listed.length);
    const fitting = entriesThatFit(first, bytesLeft);
    entries.push(...fitting.entries);
    listed.push(...first.slice(0, fitting.entries.length));
    bytesLeft -= fitting.bytes;
    const left = [...first.slice(fitting.entries.length), ...rest];
    if (left.length > 0) beyond.push(left);
  }
  return { entries, listed, beyond: beyond.flat() };
}

/** The entries of these images, as many as have room. */
function entriesThatFit(
  images: readonly TrackedImage[],
  bytesMax: number,
): { readonly entries: readonly MonitoredImage[]; readonly bytes: number } {
  const entries: MonitoredImage[] = [];
  let bytes = 0;
  for (const image of images) {
    const entry = writeMonitoredImage(image);
    // With the comma between two entries.
    const entryBytes = utf8Bytes(JSON.stringify(entry)) + 1;
    if (bytes + entryBytes > bytesMax) break;
    bytes += entryBytes;
    entries.push(entry);
  }
  return { entries, bytes };
}
