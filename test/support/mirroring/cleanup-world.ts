import type { KuikResource } from '#api/kinds.ts';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import type { TwinPod } from './mirror-twin.ts';

/** Statuses by resource, as the API server has them; each is replaced as a whole. */
export type Statuses = ReadonlyMap<string, readonly MirroredImage[]>;

/** What one replica's webhook knows of statuses is so old at most: a watch that works is faster. */
export const viewLagMsMax = 8_000;
/** From the answer of a review to its Pod being stored: the API server gives up after that. */
export const storeMsMax = 10_000;
/** From a DELETE being sent to its being done. */
export const requestMsMax = 2_000;
/** As the operator's flags have them. */
export const leaseMs = 15_000;
/** A leader that has not renewed for so long stops. */
export const renewDeadlineMs = 10_000;

/** What a leader sees of the world, and does to it. */
export interface CleanupWorld {
  readonly nowMs: number;
  readonly resources: readonly KuikResource[];
  readonly pods: ReadonlyMap<string, TwinPod>;
  readonly statuses: Statuses;
  /** Place → digest. */
  readonly registry: Map<string, string>;
  readonly lease: { holder: number; renewedMs: number };
  readonly write: (resource: string, entries: readonly MirroredImage[]) => void;
  /** Sends a DELETE, which is done after the delay. */
  readonly send: (key: string, digest: string, delayMs: number) => void;
}
