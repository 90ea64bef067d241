import { setTimeout as delay } from 'node:timers/promises';
import type { Api } from './api.ts';

/** A Lease as it was seen, wall times in ms. */
export interface SeenLease {
  readonly seenMs: number;
  readonly holder: string;
  /** Until then nobody else may take it. */
  readonly heldUntilMs: number;
}

const lookEveryMs = 50;

/** Looks at a Lease again and again, past everybody who takes part in the election. */
export function followLease(admin: Api, path: string) {
  const seen: SeenLease[] = [];
  const stopping = new AbortController();
  const following = (async () => {
    while (!stopping.signal.aborted) {
      const lease = await admin.get(path).catch(() => undefined);
      const { holderIdentity = '', renewTime, leaseDurationSeconds = 0 } = lease?.spec ?? {};
      const heldUntilMs = Date.parse(renewTime ?? '') + leaseDurationSeconds * 1_000;
      if (lease !== undefined)
        seen.push({ seenMs: Date.now(), holder: holderIdentity, heldUntilMs });
      await delay(lookEveryMs);
    }
  })();
  return {
    /** Whether somebody held it then, as it was seen last before. */
    wasHeldBy: (identity: string | undefined, atMs: number): boolean => {
      const before = seen.findLast(({ seenMs }) => seenMs <= atMs);
      return before !== undefined && before.holder === identity && atMs < before.heldUntilMs;
    },
    stop: async () => {
      stopping.abort();
      await following;
    },
  };
}
