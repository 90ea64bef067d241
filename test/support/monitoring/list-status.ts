import {
  type AvailabilityStatus,
  availabilityStatus,
} from '#core/monitoring/availability-status.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { createStatusLister, type StatusList, statusText } from '#core/status/status-list.ts';

/** The status of all these images at once. */
export function listStatus(
  images: Iterable<TrackedImage>,
): StatusList<TrackedImage, AvailabilityStatus> {
  const lister = createStatusLister(availabilityStatus);
  for (const image of images) lister.add(image);
  return lister.finish();
}

/** What such a status says, as one text. */
export function availabilityText(status: Partial<AvailabilityStatus>): string {
  return statusText(availabilityStatus, status);
}
