import { fromPromise } from 'xstate';
import { pause, withDeadline } from '#actors/deadline.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import { claimLease, judgeLease, type ObservedLease, releaseLease } from '#core/lease.ts';
import type { ApiFailure } from '#kube/client.ts';
import { microTime } from '#kube/micro-time.ts';
import {
  type AcquireInput,
  type AcquireOutcome,
  type HoldInput,
  type LeaseLost,
  leadershipMachine,
  type ReleaseOutcome,
} from '#machines/leadership.ts';
import type { LeaseCalls, StoredLease } from './lease-calls.ts';

/** The Lease that kuik v2 takes, so that the two never lead at once (behaviour §8). */
export const leaseName = 'e69ca865.enix.io';

/** How the Lease is taken and kept; the three times as kuik v2's flags of the same names. */
export interface HoldLeaseOptions {
  readonly calls: LeaseCalls;
  /** Tells this process from every other, also from itself before a restart. */
  readonly identity: string;
  readonly durationMs: number;
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
  readonly clock: TimerHeap;
  /** Wall time in ms, for the record; nothing is decided by it. */
  readonly now: () => number;
  /** From 0 to 1, to spread the attempts of replicas. */
  readonly random: () => number;
  /** Told at the instant that this process begins and ceases to lead. */
  readonly onLeading: OnLeading;
}

/**
 * Told of the begin and the end of a term. `unrecordedUntilMs` is the wall time up to which a leader
 * before may have done what it did not record; `unknown` where no Lease tells.
 */
export type OnLeading = (
  leading: boolean,
  unrecordedUntilMs: number | 'unknown' | undefined,
) => void;

/** How far apart the attempts of replicas are spread, as a share of the retry period. */
const jitter = 0.2;
/** One try gets this share of the renew deadline: a connection that died must leave time for another. */
const tryShare = 0.5;
/** The API server's Retry-After is kept to, up to this. */
const retryAfterMsMax = 30_000;
/** Letting go has so long: the process is on its way out, and the Lease runs out by itself. */
const releaseDeadlineMs = 3_000;
/** Once more after a conflict: somebody looked at the Lease while we wrote. */
const releaseAttemptsMax = 2;

/** The leadership machine with its effects on a real Lease. */
export function leadershipLogic(options: HoldLeaseOptions | UnopposedOptions) {
  if (!('calls' in options)) return leadershipMachine.provide({ actors: unopposed(options) });
  const candidate = new Candidate(options);
  return leadershipMachine.provide({
    actors: {
      acquireLease: fromPromise<AcquireOutcome, AcquireInput>(({ input, signal }) =>
        candidate.acquire(input.observed, signal),
      ),
      holdLease: fromPromise<LeaseLost, HoldInput>(({ input, signal }) =>
        whileLeading(
          (leading) => options.onLeading(leading, candidate.unrecordedUntilMs()),
          signal,
          () => candidate.hold(input.renewed, signal),
        ),
      ),
      releaseLease: fromPromise<ReleaseOutcome, undefined>(({ signal }) =>
        candidate.release(signal),
      ),
    },
  });
}

/** Without an election (`--leader-elect=false`) there is no Lease, only the news. */
export interface UnopposedOptions {
  readonly onLeading: OnLeading;
}

function unopposed({ onLeading }: UnopposedOptions) {
  return {
    holdLease: fromPromise<LeaseLost, HoldInput>(({ signal }) =>
      whileLeading(
        (leading) => onLeading(leading, 'unknown'),
        signal,
        () => new Promise<LeaseLost>(() => {}),
      ),
    ),
    releaseLease: fromPromise<ReleaseOutcome, undefined>(async () => ({ kind: 'released' })),
  };
}

/** Leaving the state aborts the effect, and the news must not wait for what is in flight. */
async function whileLeading(
  onLeading: (leading: boolean) => void,
  signal: AbortSignal,
  hold: () => Promise<LeaseLost>,
): Promise<LeaseLost> {
  let leading = true;
  const end = () => {
    if (leading) onLeading(false);
    leading = false;
  };
  signal.addEventListener('abort', end, { once: true });
  onLeading(true);
  try {
    return await hold();
  } finally {
    end();
  }
}

/** What one try to renew came to. */
type Renewal =
  | { readonly kind: 'renewed' | 'taken' }
  | { readonly kind: 'failed'; readonly retryAfterMs: number };

class Candidate {
  readonly #options: HoldLeaseOptions;
  /** The Lease as it was last read or written; an update is based on it. */
  #lease: StoredLease | undefined;
  #renewedAtMs = 0;

  constructor(options: HoldLeaseOptions) {
    this.#options = options;
  }

  /** As the Lease says that was taken last. */
  unrecordedUntilMs(): number | undefined {
    const atMs = Date.parse(this.#lease?.record.expiredTime ?? '');
    return Number.isNaN(atMs) ? undefined : atMs;
  }

  /** One attempt, bounded: a server that hangs must not end the election. */
  async acquire(observed: ObservedLease | null, signal: AbortSignal): Promise<AcquireOutcome> {
    const { clock } = this.#options;
    return withDeadline(clock, { deadlineMs: this.#tryMs(), signal }, (bounded) =>
      this.#attempt(observed, bounded),
    );
  }

  async #attempt(observed: ObservedLease | null, signal: AbortSignal): Promise<AcquireOutcome> {
    const { calls, identity, clock } = this.#options;
    const retryInMs = this.#retryInMs();
    const read = await calls.read(signal);
    if (!read.ok) {
      if (isStatus(read.error, 404)) return this.#claim(undefined, signal);
      return this.#acquireFailed(read.error);
    }
    const { record } = read.value;
    const judgement = judgeLease(record, observed, { identity, nowMs: clock.now() });
    if (judgement.free) return this.#claim(read.value, signal);
    return { kind: 'held', holder: record.holder, observed: judgement.observed, retryInMs };
  }

  async #claim(before: StoredLease | undefined, signal: AbortSignal): Promise<AcquireOutcome> {
    const { identity, clock } = this.#options;
    // The term counts from when the call left: the server may have written it right then.
    const atMs = clock.now();
    const written = await this.#write(before, signal);
    if (written.ok) {
      this.#lease = written.value;
      this.#renewedAtMs = atMs;
      return { kind: 'acquired', holder: identity, atMs };
    }
    if (isStatus(written.error, 409)) {
      return { kind: 'held', holder: null, observed: null, retryInMs: this.#retryInMs() };
    }
    return this.#acquireFailed(written.error);
  }

  #acquireFailed(failure: ApiFailure): AcquireOutcome {
    const retryInMs = Math.max(this.#retryInMs(), retryAfterOf(failure));
    return { kind: 'failed', message: failure.message, retryInMs };
  }

  #write(before: StoredLease | undefined, signal: AbortSignal) {
    const { calls, identity, durationMs } = this.#options;
    const now = microTime(this.#options.now());
    const record = claimLease(before?.record ?? null, { identity, durationMs, now });
    if (before === undefined) return calls.create(record, signal);
    return calls.update(before, record, signal);
  }

  /** Renews until the Lease is lost; the deadline holds whether calls fail, hang or are refused. */
  async hold(renewed: (atMs: number) => void, signal: AbortSignal): Promise<LeaseLost> {
    const { clock } = this.#options;
    for (let waitMs = this.#retryInMs(); ; ) {
      await pause(clock, Math.min(waitMs, this.#remainingMs()), signal);
      const deadlineMs = Math.min(this.#tryMs(), this.#remainingMs());
      if (signal.aborted || deadlineMs === 0) return this.#lost('deadline');
      const outcome = await withDeadline(clock, { deadlineMs, signal }, (bounded) =>
        this.#renew(bounded),
      );
      if (outcome.kind === 'taken') return this.#lost('taken');
      if (outcome.kind === 'renewed') renewed(this.#renewedAtMs);
      waitMs = Math.max(this.#retryInMs(), this.#patienceMs(outcome));
    }
  }

  /** As long as a throttling server asks for, but some tries must fit in before the deadline. */
  #patienceMs(outcome: Renewal): number {
    const retryAfterMs = outcome.kind === 'failed' ? outcome.retryAfterMs : 0;
    return Math.min(retryAfterMs, this.#remainingMs() / 2);
  }

  #tryMs(): number {
    return this.#options.renewDeadlineMs * tryShare;
  }

  #remainingMs(): number {
    const { clock, renewDeadlineMs } = this.#options;
    return Math.max(0, this.#renewedAtMs + renewDeadlineMs - clock.now());
  }

  async #renew(signal: AbortSignal): Promise<Renewal> {
    const atMs = this.#options.clock.now();
    const written = await this.#write(this.#lease, signal);
    if (written.ok) {
      this.#lease = written.value;
      this.#renewedAtMs = atMs;
      return { kind: 'renewed' };
    }
    const changed = isStatus(written.error, 409) || isStatus(written.error, 404);
    return changed ? this.#look(signal) : renewalFailed(written.error);
  }

  /** Somebody wrote the Lease: another leader, or one who only labelled it. */
  async #look(signal: AbortSignal): Promise<Renewal> {
    const { calls, identity } = this.#options;
    const read = await calls.read(signal);
    if (!read.ok) {
      if (isStatus(read.error, 404)) this.#lease = undefined;
      return renewalFailed(read.error);
    }
    if (read.value.record.holder !== identity) return { kind: 'taken' };
    this.#lease = read.value;
    return { kind: 'failed', retryAfterMs: 0 };
  }

  #lost(reason: LeaseLost['reason']): LeaseLost {
    const message =
      reason === 'taken'
        ? 'Another process holds the Lease.'
        : `The Lease was not renewed for ${this.#options.renewDeadlineMs} ms.`;
    return { kind: 'lost', reason, message, retryInMs: this.#retryInMs() };
  }

  /** Lets go if it is ours; a Lease that is another's by now is left alone. */
  release(signal: AbortSignal): Promise<ReleaseOutcome> {
    const { clock } = this.#options;
    return withDeadline(clock, { deadlineMs: releaseDeadlineMs, signal }, (bounded) =>
      this.#releaseWithin(bounded, releaseAttemptsMax),
    );
  }

  async #releaseWithin(signal: AbortSignal, attempts: number): Promise<ReleaseOutcome> {
    const { calls, identity, now } = this.#options;
    const read = await calls.read(signal);
    if (!read.ok) return letGo(read.error);
    if (read.value.record.holder !== identity) return { kind: 'released' };
    const record = releaseLease(read.value.record, microTime(now()));
    const written = await calls.update(read.value, record, signal);
    if (written.ok) return { kind: 'released' };
    if (isStatus(written.error, 409) && attempts > 1) {
      return this.#releaseWithin(signal, attempts - 1);
    }
    return letGo(written.error);
  }

  #retryInMs(): number {
    return this.#options.retryPeriodMs * (1 + jitter * this.#options.random());
  }
}

/** A Lease that is gone needs no release. */
function letGo(failure: ApiFailure): ReleaseOutcome {
  if (isStatus(failure, 404)) return { kind: 'released' };
  return { kind: 'failed', message: failure.message };
}

function renewalFailed(failure: ApiFailure): Renewal {
  return { kind: 'failed', retryAfterMs: retryAfterOf(failure) };
}

function retryAfterOf(failure: ApiFailure): number {
  const asked = failure.kind === 'status' ? (failure.retryAfterMs ?? 0) : 0;
  return Math.min(asked, retryAfterMsMax);
}

function isStatus(failure: ApiFailure, code: number): boolean {
  return failure.kind === 'status' && failure.code === code;
}
