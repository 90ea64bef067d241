/** What a Lease says, as far as an election reads it; times as written, durations in ms. */
export interface LeaseRecord {
  /** Identity of the holder; empty when it was released. */
  readonly holder: string;
  /** How long after a renewal the holder may be trusted to hold on. */
  readonly durationMs: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly transitions: number;
  /**
   * When it was last taken from a holder that had not let go: what that one did last may stand
   * nowhere. It outlives later terms, so that one that ends soon does not hide it.
   */
  readonly expiredTime?: string;
}

/** A record and when we first saw it just so, in monotonic ms of this process. */
export interface ObservedLease {
  readonly record: LeaseRecord;
  readonly sinceMs: number;
}

/**
 * Judges a Lease by how long it has stood unchanged before our own eyes: the holder's clock and
 * ours need not agree, as in client-go's leader election, whose Leases we share with kuik v2. `free`:
 * a candidate may take it; `observed` is what to remember until the next look.
 */
export function judgeLease(
  record: LeaseRecord,
  before: ObservedLease | null,
  { identity, nowMs }: { readonly identity: string; readonly nowMs: number },
): { readonly free: boolean; readonly observed: ObservedLease } {
  const unchanged = before !== null && isSameRecord(before.record, record);
  const observed = unchanged ? before : { record, sinceMs: nowMs };
  const ours = record.holder === '' || record.holder === identity;
  const expired = nowMs >= observed.sinceMs + record.durationMs;
  return { free: ours || expired, observed };
}

/** The record that takes the Lease or renews it. */
export function claimLease(
  before: LeaseRecord | null,
  claim: { readonly identity: string; readonly durationMs: number; readonly now: string },
): LeaseRecord {
  const { identity, durationMs, now } = claim;
  const renewal = before !== null && before.holder === identity;
  const expired = before !== null && before.holder !== '' && !renewal;
  const expiredTime = expired ? now : before?.expiredTime;
  return {
    ...(expiredTime !== undefined && { expiredTime }),
    holder: identity,
    durationMs,
    renewTime: now,
    acquireTime: renewal ? before.acquireTime : now,
    transitions: before === null ? 0 : before.transitions + (renewal ? 0 : 1),
  };
}

/** The record that lets go: nobody holds it and it has run out after a second. */
export function releaseLease(before: LeaseRecord, now: string): LeaseRecord {
  return { ...before, holder: '', durationMs: 1_000, acquireTime: now, renewTime: now };
}

function isSameRecord(left: LeaseRecord, right: LeaseRecord): boolean {
  return (
    left.holder === right.holder &&
    left.durationMs === right.durationMs &&
    left.renewTime === right.renewTime &&
    left.acquireTime === right.acquireTime &&
    left.transitions === right.transitions
  );
}
