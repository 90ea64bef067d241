import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By then the caches are read and the first reviews answered. */
export const startGarbageDelayMs = 60_000;

/** The pause grows with what is live: where that is more, garbage comes and is collected by itself. */
const heapBytesMax = 64 * 1024 * 1024;

/**
 * Collects once what the start has left behind. Reading every list has made the young generation as
 * large as it may be, and V8 shrinks it only with a full collection, for which an idle operator
 * makes no garbage for hours (docs/adr/0007).
 */
export function collectStartGarbage(): void {
  if (process.memoryUsage().heapUsed > heapBytesMax) return;
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
}
