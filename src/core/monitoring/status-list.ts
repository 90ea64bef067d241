import type {
  ClusterImageSetAvailabilityStatus,
  MonitoredImage,
} from '#api/image-set-availability.ts';
import { compare } from '#core/compare.ts';
import { utf8Bytes } from '#core/cut-text.ts';
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
  /** The images that the status lists, in its order. */
  readonly listed: readonly TrackedImage[];
  readonly beyond: readonly TrackedImage[];
}

/** Behaviour §6: nobody reads more in a status, and an object has to stay small. */
export const statusImagesMax = 1_000;
/** Leaves 124 KiB of a mebibyte to conditions, metadata and who wrote which field. */
export const statusImagesBytesMax = 900 * 1024;

/**
 * Makes the status of one resource from all its images, added one by one, so that they can come in
 * slices: what is wrong and in use is listed first, then what is wrong, then what is in use, then the
 * rest, each by name. Counts are of all; one that was never checked is in neither `availableCount`
 * nor `missingCount`. To sort tens of thousands for the sake of the first thousand would hold up the
 * process for 50 ms: what comes after the last of those found so far is not sorted at all.
 */
export function createStatusLister() {
  const counts = { imageCount: 0, availableCount: 0, missingCount: 0 };
  const first: TrackedImage[] = [];
  const rest: readonly TrackedImage[][] = Array.from({ length: 4 }, () => []);
  let last: TrackedImage | undefined;
  const leaveOut = (image: TrackedImage) => rest[rankOf(image)]?.push(image);
  const cut = (): void => {
    for (const image of first.sort(compareImages).splice(statusImagesMax)) leaveOut(image);
    last = first[statusImagesMax - 1];
  };
  return {
    add: (image: TrackedImage): void => {
      counts.imageCount += 1;
      if (image.status === 'Available') counts.availableCount += 1;
      if (isWrong(image.status)) counts.missingCount += 1;
      if (last !== undefined && compareImages(last, image) < 0) leaveOut(image);
      else if (first.push(image) >= 2 * statusImagesMax) cut();
    },
    /** Called once, after all. */
    finish: (): StatusList => {
      cut();
      const images = entriesThatFit(first);
      const listed = first.slice(0, images.length);
      const beyond = [...first.slice(images.length), ...rest.flat()];
      return { status: { ...counts, images }, listed, beyond };
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

function compareImages(left: TrackedImage, right: TrackedImage): number {
  return rankOf(left) - rankOf(right) || compare(left.image, right.image);
}

function entriesThatFit(images: readonly TrackedImage[]): readonly MonitoredImage[] {
  const entries: MonitoredImage[] = [];
  let bytesLeft = statusImagesBytesMax;
  for (const image of images) {
    const entry = writeMonitoredImage(image);
    // With the comma between two entries.
    bytesLeft -= utf8Bytes(JSON.stringify(entry)) + 1;
    if (bytesLeft < 0) break;
    entries.push(entry);
  }
  return entries;
}
