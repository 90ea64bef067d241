import { fromCallback, fromPromise } from 'xstate';
import { withDeadline } from '#actors/deadline.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { KuikSystem } from '#actors/system.ts';
import { claimLease, judgeLease, type ObservedLease, releaseLease } from '#core/lease.ts';
import { type ApiFailure, hasCode, retryAfterMs } from '#kube/failures.ts';
import { microTime } from '#kube/micro-time.ts';
import {
  type AcquireInput,
  type AcquireOutcome,
  type LeadInput,
  leadershipMachine,
  type ReleaseOutcome,
} from '#machines/leadership.ts';
import { leaseMachine, type RenewInput, type RenewOutcome } from '#machines/lease.ts';
import type { LeaseCalls, StoredLease } from './lease-calls.ts';

/**
 * Takes part in the election; added last, so that whoever wins has what a leader needs. Returns the
 * way out: it lets go of the Lease, which ends what only a leader does, and is bounded in time.
 */
export function addLeadership(
  system: KuikSystem,
  election: ElectionOptions | undefined,
): () => Promise<void> {
  const { runtime, lead, follow } = system;
  const input = {
    elect: election !== undefined,
    renewDeadlineMs: election?.renewDeadlineMs ?? 0,
  };
  const { id } = leadershipMachine;
  const logic = leadershipLogic({ ...runtime, lead, follow }, election);
  const quietLimit = {
    quietMsMax: (election?.durationMs ?? 0) + waitMsMax,
    restsIn: election === undefined ? ['Leading'] : [],
  };
  system.always({ id, logic, input, quietLimit });
  return () => release(system);
}

/** How the Lease is taken and kept; the three times as kuik v2's flags of the same names. */
export interface ElectionOptions {
  readonly calls: LeaseCalls;
  /** Tells this process from every other, also from itself before a restart. */
  readonly identity: string;
  readonly durationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

/** What an election runs on, and whom it tells. */
export interface ElectionMeans extends Pick<Runtime, 'clock' | 'now' | 'random'> {
  readonly lead: (term: LeadInput) => void;
  readonly follow: () => void;
}

/** The Lease that kuik v2 takes, so that the two never lead at once (behaviour §8). */
export const leaseName = 'e69ca865.enix.io';
/** How far apart the attempts of replicas are spread, as a share of the retry period. */
const jitter = 0.2;
/** One try gets this share of the renew deadline: a connection that died must leave time for another. */
const tryShare = 0.5;
/** The API server's Retry-After is kept to, up to this. */
const retryAfterMsMax = 30_000;
/**
 * A try has half the renew deadline and the wait after it what Retry-After may ask for: whoever heard
 * of neither for a whole Lease and a minute more does not take part in the election any more.
 */
const waitMsMax = 60_000;
/** Letting go has so long: the process is on its way out, and the Lease runs out by itself. */
const releaseDeadlineMs = 3_000;
/** Handing over may hold up the stop for so long: a little more than its calls have. */
const releaseWithinMs = 4_000;
/** Once more after a conflict: somebody looked at the Lease while we wrote. */
const releaseAttemptsMax = 2;

/** The leadership machine with its effects on a real Lease; without `election` nobody is asked. */
export function leadershipLogic(means: ElectionMeans, election?: ElectionOptions) {
  const { clock, lead, follow } = means;
  const term = fromCallback<{ type: string }, LeadInput>(({ input }) => {
    lead(input);
    return follow;
  });
  if (election === undefined) {
    const releaseLease = fromPromise<ReleaseOutcome, undefined>(async () => ({ kind: 'released' }));
    return leadershipMachine.provide({ actors: { lead: term, releaseLease } });
  }
  const candidate = new Candidate(means, election);
  const keepLease = leaseMachine.provide({
    delays: {
      untilExpiry: ({ context: { renewedAtMs, renewDeadlineMs } }) =>
        Math.max(0, renewedAtMs + renewDeadlineMs - clock.now()),
    },
    actors: {
      renewLease: fromPromise<RenewOutcome, RenewInput>(({ input, signal }) =>
        candidate.renew(input.renewedAtMs, signal),
      ),
    },
  });
  return leadershipMachine.provide({
    actors: {
      ...{ lead: term, keepLease },
      acquireLease: fromPromise<AcquireOutcome, AcquireInput>(({ input, signal }) =>
        candidate.acquire(input.observed, signal),
      ),
      releaseLease: fromPromise<ReleaseOutcome, undefined>(({ signal }) =>
        candidate.release(signal),
      ),
    },
  });
}

/** Waits until the Lease is let go, or for as long as that may take at most. */
async function release({ runtime: { clock }, find }: KuikSystem): Promise<void> {
  const leadership = find<typeof leadershipMachine>(leadershipMachine.id);
  if (leadership === undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  leadership.subscribe({ complete: resolve, error: () => resolve() });
  leadership.send({ type: 'leadership.release' });
  const cancel = clock.after(releaseWithinMs, resolve);
  await promise;
  cancel();
}

/** One who stands for election, by one call at a time. */
class Candidate {
  readonly #means: ElectionMeans;
  readonly #election: ElectionOptions;
  /** The Lease as it was last read or written; an update is based on it. */
  #lease: StoredLease | undefined;

  constructor(means: ElectionMeans, election: ElectionOptions) {
    this.#means = means;
    this.#election = election;
  }

  /** One attempt, bounded: a server that hangs must not end the election. */
  acquire(observed: ObservedLease | null, signal: AbortSignal): Promise<AcquireOutcome> {
    return this.#try(signal, async (bounded) => {
      const { calls, identity } = this.#election;
      const read = await calls.read(bounded);
      if (!read.ok) {
        return hasCode(read.error, 404)
          ? this.#claim(undefined, bounded)
          : this.#failed(read.error);
      }
      const { record } = read.value;
      const nowMs = this.#means.clock.now();
      const judgement = judgeLease(record, observed, { identity, nowMs });
      if (judgement.free) return this.#claim(read.value, bounded);
      const { holder } = record;
      return { kind: 'held', holder, observed: judgement.observed, retryInMs: this.#retryInMs() };
    });
  }

  async #claim(before: StoredLease | undefined, signal: AbortSignal): Promise<AcquireOutcome> {
    const { identity: holder } = this.#election;
    const retryInMs = this.#retryInMs();
    // The term counts from when the call left: the server may have written it right then.
    const atMs = this.#means.clock.now();
    const written = await this.#write(before, signal);
    if (written.ok) {
      this.#lease = written.value;
      const expiredMs = Date.parse(written.value.record.expiredTime ?? '');
      const unrecorded = Number.isNaN(expiredMs) ? {} : { unrecordedUntilMs: expiredMs };
      return { kind: 'acquired', holder, atMs, retryInMs, ...unrecorded };
    }
    if (!hasCode(written.error, 409)) return this.#failed(written.error);
    return { kind: 'held', holder: null, observed: null, retryInMs };
  }

  #failed(failure: ApiFailure): AcquireOutcome & { readonly kind: 'failed' } {
    const retryInMs = Math.max(this.#retryInMs(), retryAfterMs(failure, retryAfterMsMax));
    return { kind: 'failed', message: failure.message, retryInMs };
  }

  /** One attempt to renew; one that was refused because somebody wrote the Lease looks who it was. */
  renew(renewedAtMs: number, signal: AbortSignal): Promise<RenewOutcome> {
    return this.#try(signal, async (bounded) => {
      const atMs = this.#means.clock.now();
      const written = await this.#write(this.#lease, bounded);
      const retryInMs = this.#retryInMs();
      if (written.ok) {
        this.#lease = written.value;
        return { kind: 'renewed', atMs, retryInMs };
      }
      const changed = hasCode(written.error, 409) || hasCode(written.error, 404);
      return changed
        ? await this.#look(renewedAtMs, bounded)
        : this.#notRenewed(written.error, renewedAtMs);
    });
  }

  /** Somebody wrote the Lease: another leader, or one who only labelled it. */
  async #look(renewedAtMs: number, signal: AbortSignal): Promise<RenewOutcome> {
    const { calls, identity } = this.#election;
    const retryInMs = this.#retryInMs();
    const read = await calls.read(signal);
    if (!read.ok) {
      if (hasCode(read.error, 404)) this.#lease = undefined;
      return this.#notRenewed(read.error, renewedAtMs);
    }
    if (read.value.record.holder !== identity) {
      return { kind: 'taken', message: 'Another process holds the Lease.', retryInMs };
    }
    this.#lease = read.value;
    return { kind: 'failed', message: 'The Lease was changed by somebody else.', retryInMs };
  }

  /** Waits as long as a throttling server asks for, but some tries must fit in before the deadline. */
  #notRenewed(failure: ApiFailure, renewedAtMs: number): RenewOutcome {
    const { renewDeadlineMs } = this.#election;
    const leftMs = renewedAtMs + renewDeadlineMs - this.#means.clock.now();
    const askedMs = Math.min(retryAfterMs(failure, retryAfterMsMax), leftMs / 2);
    const retryInMs = Math.max(this.#retryInMs(), askedMs);
    return { kind: 'failed', message: failure.message, retryInMs };
  }

  /** Lets go if it is ours; a Lease that is another's by now is left alone. */
  release(signal: AbortSignal): Promise<ReleaseOutcome> {
    const { clock } = this.#means;
    return withDeadline(clock, { deadlineMs: releaseDeadlineMs, signal }, (bounded) =>
      this.#letGo(bounded, releaseAttemptsMax),
    );
  }

  async #letGo(signal: AbortSignal, attempts: number): Promise<ReleaseOutcome> {
    const { calls, identity } = this.#election;
    const read = await calls.read(signal);
    if (!read.ok) return notReleased(read.error);
    if (read.value.record.holder !== identity) return { kind: 'released' };
    const record = releaseLease(read.value.record, microTime(this.#means.now()));
    const written = await calls.update(read.value, record, signal);
    if (written.ok) return { kind: 'released' };
    if (hasCode(written.error, 409) && attempts > 1) return this.#letGo(signal, attempts - 1);
    return notReleased(written.error);
  }

  #try<T>(signal: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const deadlineMs = this.#election.renewDeadlineMs * tryShare;
    return withDeadline(this.#means.clock, { deadlineMs, signal }, run);
  }

  #write(before: StoredLease | undefined, signal: AbortSignal) {
    const { calls, identity, durationMs } = this.#election;
    const now = microTime(this.#means.now());
    const record = claimLease(before?.record ?? null, { identity, durationMs, now });
    if (before === undefined) return calls.create(record, signal);
    return calls.update(before, record, signal);
  }

  #retryInMs(): number {
    return this.#election.retryPeriodMs * (1 + jitter * this.#means.random());
  }
}

/** A Lease that is gone needs no release. */
function notReleased(failure: ApiFailure): ReleaseOutcome {
  if (hasCode(failure, 404)) return { kind: 'released' };
  return { kind: 'failed', message: failure.message };
}
