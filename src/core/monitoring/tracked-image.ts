import type { MonitoredStatus } from '#api/image-set-availability.ts';

/** One image that one ClusterImageSetAvailability keeps track of; times are wall time in ms. */
export interface TrackedImage {
  /** Name of the resource. */
  readonly resource: string;
  /** Full form; one written without a tag has none (`formatReference`). */
  readonly image: string;
  /** Host with its port, as in the full form. */
  readonly registry: string;
  /** What the last check came to; `Scheduled` before the first. */
  readonly status: MonitoredStatus;
  /** True for an image that somebody wrote, false for what a Pod was rewritten to. */
  readonly original: boolean;
  /** Since when no Pod uses it; absent while one does. */
  readonly unusedSinceMs?: number;
  /** When it was checked last; absent before the first check. */
  readonly lastMonitorMs?: number;
  /** Why the last check failed, 256 bytes at most. */
  readonly lastError?: string;
}

/** Images by resource, to be read. */
export interface ImagesView {
  /** Names of the resources that track anything, or did a moment ago. */
  readonly resources: () => readonly string[];
  readonly imagesOf: (resource: string) => Iterable<TrackedImage>;
}

/** All that is tracked, for those who tell of it: status, metrics, pages. */
export interface TrackedImages extends ImagesView {
  /** Called with a resource's name after something about its images changed; returns how to stop. */
  readonly subscribe: (listener: (resource: string) => void) => () => void;
}
