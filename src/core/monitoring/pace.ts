/** How fast one registry is checked; structurally a part of the configuration. */
export interface Pace {
  readonly intervalMs: number;
  readonly maxPerInterval: number;
}

/** What the next check of one registry depends on; times of one clock that is never set back, ms. */
export interface PaceMemory {
  /** What the next slot counts from, the last check most often; null where nothing is known. */
  readonly lastMs: number | null;
  /** Nobody is checked before that; null while no quota is used up. */
  readonly heldUntilMs: number | null;
  /** Times that a quota was used up without a word until when, one after another. */
  readonly guesses: number;
}

/** A registry that stated a quota: when, and until when it said to wait. */
export interface Refusal {
  readonly atMs: number;
  readonly untilMs: number | undefined;
}

/** A registry that states a longer wait is asked again after a day: quotas are lifted, too. */
export const quotaHoldMsMax = 86_400_000;
/** Where nothing is said the waits double up to this: the usual window of a quota. */
export const quotaGuessMsMax = 3_600_000;
/** `lastMonitor` has whole seconds: the check was up to so much later. */
export const recordedMsMax = 1_000;

/** A registry of which nothing is known. */
export const unpaced: PaceMemory = { lastMs: null, heldUntilMs: null, guesses: 0 };

/**
 * The time from one check to the next. Rounded up to a microsecond, so that as many slots as there
 * are checks in an interval are never shorter than it, whatever the division leaves.
 */
export function slotMsOf({ intervalMs, maxPerInterval }: Pace): number {
  return Math.ceil((intervalMs / maxPerInterval) * 1_000) / 1_000;
}

/** When the slot of the next check begins; where nobody was checked yet it always has. */
export function nextSlotMs({ lastMs }: Pick<PaceMemory, 'lastMs'>, slotMs: number): number {
  return lastMs === null ? Number.NEGATIVE_INFINITY : lastMs + slotMs;
}

/** When the next check may leave. */
export function nextCheckMs(
  memory: Pick<PaceMemory, 'lastMs' | 'heldUntilMs'>,
  slotMs: number,
): number {
  return Math.max(nextSlotMs(memory, slotMs), memory.heldUntilMs ?? Number.NEGATIVE_INFINITY);
}

/** Checks until then count, whether or not anyone remembers them. */
export function countChecks(memory: PaceMemory, untilMs: number): PaceMemory {
  return { ...memory, lastMs: Math.max(memory.lastMs ?? untilMs, untilMs) };
}

/** A quota is used up: nobody is checked until the registry said, or for growing times. */
export function holdForQuota(memory: PaceMemory, refusal: Refusal, slotMs: number): PaceMemory {
  const { atMs, untilMs } = refusal;
  const heldUntilMs = memory.heldUntilMs ?? Number.NEGATIVE_INFINITY;
  if (untilMs !== undefined) {
    const believedMs = Math.min(untilMs, atMs + quotaHoldMsMax);
    return { ...memory, heldUntilMs: Math.max(heldUntilMs, believedMs) };
  }
  const guesses = memory.guesses + 1;
  const guessMs = Math.max(slotMs, Math.min(slotMs * 2 ** guesses, quotaGuessMsMax));
  return { ...memory, guesses, heldUntilMs: Math.max(heldUntilMs, atMs + guessMs) };
}
