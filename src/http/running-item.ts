import { type RunningCopy, rateOf } from '#core/mirroring/running-copy.ts';
import { formatTime } from '#core/rfc3339.ts';

/** A copy that runs, as pages show it: how far it is, how fast, and since when. */
export function runningItem(copy: RunningCopy, nowMs: number): object {
  const { target, image, bytesDone, bytesTotal, startedMs } = copy;
  return {
    ...{ target, image, bytesDone, bytesTotal: bytesTotal ?? null },
    bytesPerSecond: rateOf(copy, nowMs),
    startedAt: formatTime(startedMs),
  };
}
