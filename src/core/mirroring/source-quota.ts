/** What a source last said of its quota. */
export interface SourceQuota {
  readonly limit: number;
  readonly remaining: number;
  /** Wall time in ms at which it is whole again; absent where nothing is said. */
  readonly resetAtMs?: number;
  /** When it was said, wall time in ms. */
  readonly atMs: number;
}

/** Where nothing is said of the reset, the usual window of a quota. */
export const quotaResetMs = 3_600_000;
/** A source that states a later reset is asked again after a day: quotas are lifted, too. */
export const quotaResetMsMax = 86_400_000;

/**
 * Until when copying from a source must wait, wall time in ms, so that Pods keep their share of its
 * quota; `undefined` where it need not. HEADs go on: they cost no quota where it matters.
 */
export function quotaHoldUntilMs(
  quota: SourceQuota | undefined,
  reserve: number,
  nowMs: number,
): number | undefined {
  if (quota === undefined || quota.limit <= 0) return undefined;
  if (quota.remaining >= quota.limit * reserve) return undefined;
  const untilMs = quotaUntilMs(quota);
  return untilMs > nowMs ? untilMs : undefined;
}

/** Until when what was said of a quota holds, wall time in ms. */
function quotaUntilMs({ resetAtMs, atMs }: SourceQuota): number {
  return Math.min(resetAtMs ?? atMs + quotaResetMs, atMs + quotaResetMsMax);
}

/**
 * Of each registry the quota of which the smallest share remains, among those that still hold: a
 * registry counts each credential by itself, and the first that runs out is the one to be told of.
 */
export function scarcestQuotas(
  quotas: Iterable<SourceQuota & { readonly registry: string }>,
  nowMs: number,
): ReadonlyMap<string, SourceQuota> {
  const scarcest = new Map<string, SourceQuota>();
  for (const { registry, ...quota } of quotas) {
    if (quota.limit <= 0 || quotaUntilMs(quota) <= nowMs) continue;
    const known = scarcest.get(registry);
    if (known === undefined || shareOf(quota) < shareOf(known)) scarcest.set(registry, quota);
  }
  return scarcest;
}

function shareOf({ remaining, limit }: SourceQuota): number {
  return remaining / limit;
}
