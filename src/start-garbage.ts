import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** By then the caches are read and the first reviews answered. */
export const startGarbageDelayMs = 60_000;

/**
 * Collects once what the start has left behind. Reading every list has made the young generation as
 * large as it may be, and V8 shrinks it only with a full collection, for which an idle operator
 * makes no garbage for hours: 20 MB until then. It takes some 30 ms (docs/adr/0007).
 */
export function collectStartGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
}
