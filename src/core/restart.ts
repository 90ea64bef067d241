/**
 * Who gets restarted how (docs/architecture.md). `object`: belongs to one object; restarted with growing
 * delays for ever. `vital`: the process can't live without it; restarted at once, until it crashes
 * once more after three restarts in five seconds.
 */
export type RestartPolicy = 'object' | 'vital';

/** First delay before a crashed `object` is started again; doubles up to the largest. */
export const restartDelayMsMin = 1_000;
/** Never wait longer: a person who mended the cause should see it within minutes. */
export const restartDelayMsMax = 300_000;
/** A child that ran this long is taken as healed; its delays begin anew. */
export const steadyMs = 2 * restartDelayMsMax;
/** The usual intensity of Erlang's supervisors: three restarts… */
const vitalRestartsMax = 3;
/** …in five seconds. */
export const vitalWindowMs = 5_000;

/** What is remembered of a child's crashes; times on the monotonic clock. */
export interface CrashHistory {
  /** Crashes since it last ran well. */
  readonly crashes: number;
  /** The latest crashes, at most as many as the policy looks at. */
  readonly crashedMs: readonly number[];
}

/** A child that never crashed. */
export const noCrashes: CrashHistory = { crashes: 0, crashedMs: [] };

/** What to do about a crash. */
export type RestartDecision =
  | { readonly kind: 'now' | 'never'; readonly history: CrashHistory }
  | { readonly kind: 'later'; readonly history: CrashHistory; readonly delayMs: number };

/** Decides about a child that was started at `startedMs` and crashed at `nowMs`. */
export function decideRestart(
  policy: RestartPolicy,
  history: CrashHistory,
  { startedMs, nowMs }: { readonly startedMs: number; readonly nowMs: number },
): RestartDecision {
  const before = nowMs - startedMs >= steadyMs ? noCrashes : history;
  const recentMs = before.crashedMs.filter((atMs) => nowMs - atMs < vitalWindowMs);
  const next: CrashHistory = {
    crashes: before.crashes + 1,
    crashedMs: [...recentMs, nowMs].slice(-vitalRestartsMax),
  };
  if (policy === 'object') {
    const delayMs = Math.min(restartDelayMsMin * 2 ** before.crashes, restartDelayMsMax);
    return { kind: 'later', history: next, delayMs };
  }
  return { kind: recentMs.length < vitalRestartsMax ? 'now' : 'never', history: next };
}
