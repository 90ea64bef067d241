import type { LeaseCalls, StoredLease } from '#actors/leader/lease-calls.ts';
import type { LeaseRecord } from '#core/lease.ts';
import { fail, succeed } from '#core/result.ts';
import type { ApiFailure } from '#kube/client.ts';

/** One Lease in memory for elections in simulated time; the API server itself has no twin. */
export interface LeaseTwin {
  readonly record: () => LeaseRecord | undefined;
  /** Calls of one candidate, and what is wrong with them. */
  readonly callsOf: (trouble?: Trouble) => LeaseCalls;
  /** Changes the record behind everybody's back. */
  readonly edit: (record: LeaseRecord) => void;
}

/** What stands between one candidate and the Lease. */
export interface Trouble {
  /** Calls fail. */
  cut: boolean;
  /** Calls never answer; `'once'`: the next one. */
  hung: boolean | 'once';
  /** Calls are refused with 429 and this Retry-After. */
  throttledMs?: number | undefined;
  /** Calls so far. */
  calls?: number;
}

/** Starts without a Lease. */
export function createLeaseTwin(): LeaseTwin {
  let stored: { readonly record: LeaseRecord; readonly version: number } | undefined;
  const answer = (): StoredLease => ({
    record: stored!.record,
    object: { metadata: { resourceVersion: String(stored!.version) } },
  });
  const put = (record: LeaseRecord) => {
    stored = { record, version: (stored?.version ?? 0) + 1 };
    return succeed(answer());
  };
  const guard = async (trouble: Trouble | undefined, signal: AbortSignal) => {
    if (trouble === undefined) return undefined;
    trouble.calls = (trouble.calls ?? 0) + 1;
    const { hung } = trouble;
    if (hung === 'once') trouble.hung = false;
    if (hung !== false) await aborted(signal);
    if (signal.aborted) return fail<ApiFailure>({ kind: 'aborted', message: 'aborted' });
    return refusalOf(trouble);
  };
  return {
    record: () => stored?.record,
    edit: put,
    callsOf: (trouble) => ({
      read: async (signal) =>
        (await guard(trouble, signal)) ?? (stored ? succeed(answer()) : status(404)),
      create: async (record, signal) =>
        (await guard(trouble, signal)) ?? (stored ? status(409) : put(record)),
      update: async (before, record, signal) => {
        const stopped = await guard(trouble, signal);
        if (stopped !== undefined) return stopped;
        if (stored === undefined) return status(404);
        const current = before.object.metadata?.['resourceVersion'] === String(stored.version);
        return current ? put(record) : status(409);
      },
    }),
  };
}

function refusalOf({ cut, throttledMs }: Trouble) {
  if (cut) return fail<ApiFailure>({ kind: 'connection', message: 'cut' });
  return throttledMs === undefined ? undefined : status(429, { retryAfterMs: throttledMs });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function status(code: number, more: { readonly retryAfterMs?: number } = {}) {
  return fail<ApiFailure>({ kind: 'status', code, reason: '', message: `status ${code}`, ...more });
}
