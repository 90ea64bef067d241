import { assign, setup } from 'xstate';
import type { ObservedLease } from '#core/lease.ts';
import { effect, source, toEvent, toOutput } from './effect.ts';
import { type LeaseEvent, type LostLease, leaseMachine } from './lease.ts';

/** What the leadership actor is told. */
export type LeadershipEvent =
  /** Stop leading, let go of the Lease, and end: the process is about to stop. */
  { readonly type: 'leadership.release' } | LeaseEvent;

/** How the process takes part in the election. */
export interface LeadershipInput {
  /** false: there is no Lease and this process always leads (`--leader-elect=false`). */
  readonly elect: boolean;
  /** A Lease that was not renewed for so long is let go, ms. */
  readonly renewDeadlineMs: number;
}

/** What one attempt at the Lease came to; the effect has already spread the wait. */
export type AcquireOutcome =
  | {
      readonly kind: 'acquired';
      readonly holder: string;
      /** When the call left, monotonic ms: the term counts from then. */
      readonly atMs: number;
      readonly retryInMs: number;
      /** Wall time up to which the leader before may have done what it did not record, ms. */
      readonly unrecordedUntilMs?: number;
    }
  | {
      readonly kind: 'held';
      readonly holder: string | null;
      readonly observed: ObservedLease | null;
      readonly retryInMs: number;
    }
  | { readonly kind: 'failed'; readonly message: string; readonly retryInMs: number };

/** What is needed to make one attempt. */
export interface AcquireInput {
  readonly observed: ObservedLease | null;
}

/** What is known when a term of leading begins. */
export interface LeadInput {
  /**
   * Wall time up to which a leader before this one may have done what it did not record; `unknown`
   * without an election.
   */
  readonly unrecordedUntilMs: number | 'unknown' | undefined;
}

/** What letting go came to; the Lease runs out by itself where it failed. */
export type ReleaseOutcome =
  | { readonly kind: 'released' }
  | { readonly kind: 'failed'; readonly message: string };

/** What is remembered about the Lease; times on the monotonic clock. */
export interface LeadershipContext extends LeadershipInput, LeadInput {
  /** Who holds the Lease as far as we know: an identity, never a secret. */
  readonly holder: string | null;
  readonly observed: ObservedLease | null;
  readonly renewedAtMs: number | null;
  /** Wait before the next attempt, be it to acquire or to renew. */
  readonly retryInMs: number;
  /** Why the last attempt or the last term came to nothing. */
  readonly trouble: string | null;
}

/** Says whether a leader may still act: its Lease was renewed within the deadline. */
export function holdsLease(context: LeadershipContext, nowMs: number): boolean {
  const { elect, renewedAtMs, renewDeadlineMs } = context;
  return !elect || (renewedAtMs !== null && nowMs < renewedAtMs + renewDeadlineMs);
}

/** Whether this process leads: it takes the Lease, keeps it while it can, and hands it over. */
export const leadershipMachine = setup({
  types: {
    input: {} as LeadershipInput,
    context: {} as LeadershipContext,
    events: {} as LeadershipEvent,
  },
  actors: {
    acquireLease: effect<AcquireOutcome, AcquireInput>('acquireLease'),
    lead: source<LeadInput>('lead'),
    keepLease: leaseMachine,
    releaseLease: effect<ReleaseOutcome, undefined>('releaseLease'),
  },
  guards: {
    unopposed: ({ context }) => !context.elect,
    acquired: (_, { kind }: AcquireOutcome) => kind === 'acquired',
  },
  actions: {
    rememberAttempt: assign((_, outcome: AcquireOutcome) => {
      const { retryInMs } = outcome;
      if (outcome.kind === 'failed') return { trouble: outcome.message, retryInMs };
      const { holder } = outcome;
      if (outcome.kind === 'held') {
        return { holder, observed: outcome.observed, retryInMs, trouble: null };
      }
      const { atMs: renewedAtMs, unrecordedUntilMs } = outcome;
      return { holder, renewedAtMs, retryInMs, unrecordedUntilMs, observed: null, trouble: null };
    }),
    rememberRenewal: assign((_, { atMs }: { readonly atMs: number }) => ({ renewedAtMs: atMs })),
    rememberLoss: assign((_, { message, retryInMs }: LostLease) => ({
      ...{ holder: null, renewedAtMs: null, retryInMs, trouble: message },
    })),
    rememberRelease: assign((_, outcome: ReleaseOutcome) => ({
      ...{ holder: null, renewedAtMs: null },
      trouble: outcome.kind === 'failed' ? outcome.message : null,
    })),
  },
  delays: {
    retryDelay: ({ context }) => context.retryInMs,
  },
}).createMachine({
  id: 'leadership',
  description: 'Whether this process leads, by the Lease that all replicas share.',
  context: ({ input }) => ({
    ...input,
    ...{ holder: null, observed: null, renewedAtMs: null, retryInMs: 0, trouble: null },
    unrecordedUntilMs: 'unknown',
  }),
  initial: 'Following',
  states: {
    Following: {
      description: 'Another leads, or nobody yet; waits before the next attempt.',
      always: { guard: 'unopposed', target: 'Leading' },
      after: { retryDelay: 'Acquiring' },
      on: { 'leadership.release': 'Released' },
    },
    Acquiring: {
      description: 'One attempt at the Lease in flight.',
      on: { 'leadership.release': 'Releasing' },
      invoke: {
        src: 'acquireLease',
        input: ({ context: { observed } }) => ({ observed }),
        onDone: [
          {
            guard: { type: 'acquired', params: toOutput },
            target: 'Leading',
            actions: { type: 'rememberAttempt', params: toOutput },
          },
          { target: 'Following', actions: { type: 'rememberAttempt', params: toOutput } },
        ],
      },
    },
    Leading: {
      description: 'This process leads; what only a leader does runs for as long.',
      on: {
        'leadership.release': 'Releasing',
        'lease.renewed': { actions: { type: 'rememberRenewal', params: toEvent } },
      },
      invoke: [
        {
          src: 'lead',
          input: ({ context: { unrecordedUntilMs } }) => ({ unrecordedUntilMs }),
        },
        {
          id: 'lease',
          src: 'keepLease',
          input: ({ context: { elect, renewDeadlineMs, renewedAtMs, retryInMs } }) => ({
            ...{ renewDeadlineMs, renewedAtMs: renewedAtMs ?? 0 },
            retryInMs: elect ? retryInMs : Number.POSITIVE_INFINITY,
          }),
          onDone: { target: 'Following', actions: { type: 'rememberLoss', params: toOutput } },
        },
      ],
    },
    Releasing: {
      description: 'Letting go of the Lease, so that the next leader need not wait it out.',
      invoke: {
        src: 'releaseLease',
        onDone: { target: 'Released', actions: { type: 'rememberRelease', params: toOutput } },
      },
    },
    Released: { description: 'Out of the election for good.', type: 'final' },
  },
});
