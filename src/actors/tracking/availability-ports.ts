import type { FinishedCheck } from '#core/monitoring/pace-view.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';

/** What monitoring asks of those who keep its results in the cluster, and whom it tells. */
export interface AvailabilityPorts {
  /**
   * What a resource's status and overflow say that was tracked; asked once when this process begins
   * to lead, or when the resource appears. It waits the API server out and rejects only on a bug.
   */
  readonly restore: (resource: string, signal: AbortSignal) => Promise<readonly TrackedImage[]>;
  /** Told of each check that came to an end, once however many resources it served. */
  readonly onCheck: (check: FinishedCheck) => void;
}
