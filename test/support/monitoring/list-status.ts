import { createStatusLister, type StatusList } from '#core/monitoring/status-list.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';

/** The status of all these images at once. */
export function listStatus(images: Iterable<TrackedImage>): StatusList {
  const lister = createStatusLister();
  for (const image of images) lister.add(image);
  return lister.finish();
}
