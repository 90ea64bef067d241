import { assign, setup } from 'xstate';
import type { ObservedLease } from '#core/lease.ts';
import { describeBug, type Thrown } from './bug.ts';
import { effect } from './effect.ts';

/** What the leadership actor is told. */
export type LeadershipEvent =
  /** Stop leading, let go of the Lease, and end: the process is about to stop. */
  | { readonly type: 'leadership.release' }
  /** The Lease was renewed by a call that left at this monotonic time, ms. */
  | { readonly type: 'lease.renewed'; readonly atMs: number };

/** How the process takes part in the election. */
export interface LeadershipInput {
  /** false: there is no Lease and this process always leads (`--leader-elect=false`). */
  readonly elect: boolean;
  /** A Lease that was not renewed for so long is let go, ms. */
  readonly renewDeadlineMs: number;
}

/** What one attempt at the Lease came to; the effect has already spread the wait. */
export type AcquireOutcome =
  | { readonly kind: 'acquired'; readonly holder: string; readonly atMs: number }
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

/** How the effect that holds the Lease tells of each renewal. */
export interface HoldInput {
  readonly renewed: (atMs: number) => void;
}

/** Why the Lease is no longer ours. */
export interface LeaseLost {
  readonly kind: 'lost';
  /** `deadline`: not renewed in time; `taken`: another holds it. */
  readonly reason: 'deadline' | 'taken';
  readonly message: string;
  readonly retryInMs: number;
}

/** What letting go came to; the Lease runs out by itself where it failed. */
export type ReleaseOutcome =
  | { readonly kind: 'released' }
  | { readonly kind: 'failed'; readonly message: string };

/** What is remembered about the Lease; times on the monotonic clock. */
export interface LeadershipContext extends LeadershipInput {
  /** Who holds the Lease as far as we know: an identity, never a secret. */
  readonly holder: string | null;
  readonly observed: ObservedLease | null;
  readonly renewedAtMs: number | null;
  readonly retryInMs: number;
  /** Why the last attempt or the last term came to nothing. */
  readonly trouble: string | null;
  readonly bug: string | null;
}

/** Says whether a leader may still act: its Lease was renewed within the deadline. */
export function holdsLease(context: LeadershipContext, nowMs: number): boolean {
  if (!context.elect) return true;
  const { renewedAtMs, renewDeadlineMs } = context;
  return renewedAtMs !== null && nowMs - renewedAtMs < renewDeadlineMs;
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
    holdLease: effect<LeaseLost, HoldInput>('holdLease'),
    releaseLease: effect<ReleaseOutcome, undefined>('releaseLease'),
  },
  guards: {
    unopposed: ({ context }) => !context.elect,
    acquired: (_, outcome: AcquireOutcome) => outcome.kind === 'acquired',
  },
  actions: {
    rememberTerm: assign((_, outcome: AcquireOutcome) =>
      outcome.kind === 'acquired'
        ? { holder: outcome.holder, renewedAtMs: outcome.atMs, observed: null, trouble: null }
        : {},
    ),
    rememberHolder: assign((_, outcome: AcquireOutcome) => {
      if (outcome.kind === 'held') {
        const { holder, observed, retryInMs } = outcome;
        return { holder, observed, retryInMs, trouble: null };
      }
      if (outcome.kind === 'failed') {
        return { trouble: outcome.message, retryInMs: outcome.retryInMs };
      }
      return {};
    }),
    rememberRenewal: assign({
      renewedAtMs: ({ event, context }) =>
        event.type === 'lease.renewed' ? event.atMs : context.renewedAtMs,
    }),
    rememberLoss: assign((_, lost: LeaseLost) => ({
      holder: null,
      renewedAtMs: null,
      retryInMs: lost.retryInMs,
      trouble: lost.message,
    })),
    rememberRelease: assign((_, outcome: ReleaseOutcome) => ({
      holder: null,
      renewedAtMs: null,
      trouble: outcome.kind === 'failed' ? outcome.message : null,
    })),
    rememberBug: assign((_, { error }: Thrown) => ({ bug: describeBug(error), renewedAtMs: null })),
  },
  delays: { retryDelay: ({ context }) => context.retryInMs },
}).createMachine({
  id: 'leadership',
  description: 'Whether this process leads, by the Lease that all replicas share.',
  context: ({ input }) => ({
    ...input,
    holder: null,
    observed: null,
    renewedAtMs: null,
    retryInMs: 0,
    trouble: null,
    bug: null,
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
        input: ({ context }) => ({ observed: context.observed }),
        onDone: [
          {
            guard: { type: 'acquired', params: ({ event }) => event.output },
            target: 'Leading',
            actions: { type: 'rememberTerm', params: ({ event }) => event.output },
          },
          {
            target: 'Following',
            actions: { type: 'rememberHolder', params: ({ event }) => event.output },
          },
        ],
        onError: {
          target: 'Broken',
          actions: { type: 'rememberBug', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    Leading: {
      description:
        'Holds the Lease and renews it; leaving this state ends what only a leader does.',
      on: {
        'lease.renewed': { actions: 'rememberRenewal' },
        'leadership.release': 'Releasing',
      },
      invoke: {
        src: 'holdLease',
        input: ({ self }) => ({
          renewed: (atMs: number) => self.send({ type: 'lease.renewed', atMs }),
        }),
        onDone: {
          target: 'Following',
          actions: { type: 'rememberLoss', params: ({ event }) => event.output },
        },
        onError: {
          target: 'Broken',
          actions: { type: 'rememberBug', params: ({ event }) => ({ error: event.error }) },
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
        onError: {
          target: 'Broken',
          actions: { type: 'rememberBug', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    Released: { description: 'Out of the election for good.', type: 'final' },
    Broken: { description: 'A bug, not a failure: reported to the supervisor.', type: 'final' },
  },
});
