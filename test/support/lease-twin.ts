import type { LeaseCalls, StoredLease } from '#actors/lease-calls.ts';
import type { LeaseRecord } from '#core/lease.ts';
import { fail, succeed } from '#core/result.ts';
import type { ApiFailure } from '#kube/client.ts';

/** One Lease in memory for elections in simulated time; the API server itself has no twin. */
export interface LeaseTwin {
  readonly record: () => LeaseRecord | undefined;
  /** Calls of one candidate; while `cut()` is true they fail, while `hung()` they never answer. */
  readonly callsOf: (trouble?: Trouble) => LeaseCalls;
  /** Changes the record behind everybody's back. */
  readonly edit: (record: LeaseRecord) => void;
}

/** What stands between one candidate and the Lease. */
export interface Trouble {
  cut: boolean;
  hung: boolean;
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
    if (trouble?.hung === true) await aborted(signal);
    if (signal.aborted) return fail<ApiFailure>({ kind: 'aborted', message: 'aborted' });
    if (trouble?.cut === true) return fail<ApiFailure>({ kind: 'connection', message: 'cut' });
    return undefined;
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

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function status(code: number) {
  return fail<ApiFailure>({ kind: 'status', code, reason: '', message: `status ${code}` });
}
