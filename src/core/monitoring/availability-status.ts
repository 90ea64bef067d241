import type {
  ClusterImageSetAvailabilityStatus,
  MonitoredImage,
} from '#api/image-set-availability.ts';
import type { StatusKind } from '#core/status/status-kind.ts';
import { isWrong, readMonitoredImage, writeMonitoredImage } from './monitored-image.ts';
import type { TrackedImage } from './tracked-image.ts';

/** The fields of a status that monitoring writes; conditions are another writer's. */
export type AvailabilityStatus = Required<
  Pick<
    ClusterImageSetAvailabilityStatus,
    'imageCount' | 'availableCount' | 'missingCount' | 'images'
  >
>;

/**
 * What a ClusterImageSetAvailability lists: what is wrong and in use first, then what is wrong, then
 * what is in use, then the rest. One that was never checked is in neither `availableCount` nor
 * `missingCount`. Of an image in several places the later check holds, and the first place where
 * neither is later.
 */
export const availabilityStatus: StatusKind<TrackedImage, AvailabilityStatus> = {
  listField: 'images',
  counts: [
    { field: 'availableCount', isCounted: ({ status }) => status === 'Available' },
    { field: 'missingCount', isCounted: ({ status }) => isWrong(status) },
  ],
  write: writeMonitoredImage,
  read: readMonitoredImage,
  fieldsOf: (entry) => {
    const { image, status, original, unusedSince, lastMonitor, lastError } =
      entry as MonitoredImage;
    return [image, status, original, unusedSince, lastMonitor, lastError];
  },
  merge: (first, second) =>
    (second.lastMonitorMs ?? 0) > (first.lastMonitorMs ?? 0) ? second : first,
  ranks: 4,
  rankOf: ({ status, unusedSinceMs }) => {
    const used = unusedSinceMs === undefined ? 0 : 1;
    return isWrong(status) ? used : 2 + used;
  },
  sizeOf: () => 0,
  sizeMax: 0,
  isWhole: () => true,
};
