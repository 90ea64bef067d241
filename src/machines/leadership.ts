import { assign, setup } from 'xstate';
import type { ObservedLease } from '#core/lease.ts';
import { effect, source } from './effect.ts';

/** What the leadership actor is told. */
export type LeadershipEvent =
  /** Stop leading, let go of the Lease, and end: the process is about to stop. */
  { readonly type: 'leadership.release' };

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

/** What one attempt to renew came to; `atMs` as with an acquired one. */
export type RenewOutcome =
  | { readonly kind: 'renewed'; readonly atMs: number; readonly retryInMs: number }
  | { readonly kind: 'taken'; readonly message: string; readonly retryInMs: number }
  | { readonly kind: 'failed'; readonly message: string; readonly retryInMs: number };

/** What is needed to renew. */
export interface RenewInput {
  readonly renewedAtMs: number;
}

/** What the term that begins is told; see `Term` of the actor tree. */
export interface LeadInput {
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
  return remainingMs(context, nowMs) > 0;
}

/** How long the Lease counts without another renewal, ms; for ever where there is none. */
export function remainingMs(context: LeadershipContext, nowMs: number): number {
  const { elect, renewedAtMs, renewDeadlineMs } = context;
  if (!elect) return Number.POSITIVE_INFINITY;
  return renewedAtMs === null ? 0 : Math.max(0, renewedAtMs + renewDeadlineMs - nowMs);
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
    renewLease: effect<RenewOutcome, RenewInput>('renewLease'),
    releaseLease: effect<ReleaseOutcome, undefined>('releaseLease'),
  },
  guards: {
    unopposed: ({ context }) => !context.elect,
    acquired: (_, { kind }: AcquireOutcome) => kind === 'acquired',
    taken: (_, { kind }: RenewOutcome) => kind === 'taken',
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
    rememberRenewal: assign(({ context }, outcome: RenewOutcome) => ({
      retryInMs: outcome.retryInMs,
      renewedAtMs: outcome.kind === 'renewed' ? outcome.atMs : context.renewedAtMs,
    })),
    rememberTaken: assign((_, outcome: RenewOutcome) => ({
      ...{ holder: null, renewedAtMs: null, retryInMs: outcome.retryInMs },
      trouble: outcome.kind === 'renewed' ? null : outcome.message,
    })),
    rememberExpiry: assign(({ context }) => ({
      ...{ holder: null, renewedAtMs: null },
      trouble: `The Lease was not renewed for ${context.renewDeadlineMs} ms.`,
    })),
    rememberRelease: assign((_, outcome: ReleaseOutcome) => ({
      ...{ holder: null, renewedAtMs: null },
      trouble: outcome.kind === 'failed' ? outcome.message : null,
    })),
  },
  delays: {
    retryDelay: ({ context }) => context.retryInMs,
    // Only who has a clock can tell: `actors/leader/leadership.ts` provides it.
    untilExpiry: Number.POSITIVE_INFINITY,
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
      always: { guard: 'unopposed', target: 'Leading.Unopposed' },
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
            guard: { type: 'acquired', params: ({ event }) => event.output },
            target: 'Leading',
            actions: { type: 'rememberAttempt', params: ({ event }) => event.output },
          },
          {
            target: 'Following',
            actions: { type: 'rememberAttempt', params: ({ event }) => event.output },
          },
        ],
      },
    },
    Leading: {
      description: 'This process leads; what only a leader does runs for as long.',
      initial: 'Holding',
      on: { 'leadership.release': 'Releasing' },
      invoke: {
        src: 'lead',
        input: ({ context: { unrecordedUntilMs } }) => ({ unrecordedUntilMs }),
      },
      states: {
        Unopposed: {
          description: 'There is no election.',
          on: { 'leadership.release': '#leadership.Released' },
        },
        Holding: {
          description: 'The Lease is ours; it is renewed after a while.',
          after: {
            retryDelay: 'Renewing',
            untilExpiry: { target: '#leadership.Following', actions: 'rememberExpiry' },
          },
        },
        Renewing: {
          description: 'One attempt to renew the Lease in flight.',
          after: { untilExpiry: { target: '#leadership.Following', actions: 'rememberExpiry' } },
          invoke: {
            src: 'renewLease',
            input: ({ context: { renewedAtMs } }) => ({ renewedAtMs: renewedAtMs ?? 0 }),
            onDone: [
              {
                guard: { type: 'taken', params: ({ event }) => event.output },
                target: '#leadership.Following',
                actions: { type: 'rememberTaken', params: ({ event }) => event.output },
              },
              {
                target: 'Holding',
                actions: { type: 'rememberRenewal', params: ({ event }) => event.output },
              },
            ],
          },
        },
      },
    },
    Releasing: {
      description: 'Letting go of the Lease, so that the next leader need not wait it out.',
      invoke: {
        src: 'releaseLease',
        onDone: {
          target: 'Released',
          actions: { type: 'rememberRelease', params: ({ event }) => event.output },
        },
      },
    },
    Released: { description: 'Out of the election for good.', type: 'final' },
  },
});
