import type { MirroredImagesView } from './mirrored-image.ts';

/** One copy that is being made at this moment; on the leader alone. */
export interface RunningCopy {
  /** `<registry>[/<path>]` of the mirror. */
  readonly target: string;
  /** The original, in full form. */
  readonly image: string;
  /** Bytes that the mirror has: sent, mounted, or there before. */
  readonly bytesDone: number;
  /** Bytes of the whole copy, as far as is known yet; absent before its manifests are read. */
  readonly bytesTotal?: number;
  /** Wall time, ms. */
  readonly startedMs: number;
}

/** What mirroring tells of itself, to be shown. */
export interface MirroringView {
  /** What this process takes care of: nothing, unless it leads. */
  readonly images: MirroredImagesView;
  readonly running: () => readonly RunningCopy[];
}

/** Bytes a second since the copy began; 0 in its first moment. */
export function rateOf({ bytesDone, startedMs }: RunningCopy, nowMs: number): number {
  const seconds = (nowMs - startedMs) / 1_000;
  return seconds > 0 ? Math.round(bytesDone / seconds) : 0;
}
