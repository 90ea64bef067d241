import { assign, sendParent, setup } from 'xstate';
import { effect, toOutput } from './effect.ts';

/** What a leader is told of its Lease: it was renewed by a call that left then, monotonic ms. */
export type LeaseEvent = { readonly type: 'lease.renewed'; readonly atMs: number };

/** The Lease as it was acquired. */
export interface LeaseInput {
  /** A Lease that was not renewed for so long is let go, ms. */
  readonly renewDeadlineMs: number;
  /** When the call left that acquired or renewed it, monotonic ms. */
  readonly renewedAtMs: number;
  /** Wait before the next attempt to renew, ms; infinite where there is no Lease to renew. */
  readonly retryInMs: number;
}

/** What one attempt to renew came to; the effect has already spread the wait. */
export type RenewOutcome =
  | { readonly kind: 'renewed'; readonly atMs: number; readonly retryInMs: number }
  | { readonly kind: 'taken' | 'failed'; readonly message: string; readonly retryInMs: number };

/** What is needed to renew. */
export interface RenewInput {
  readonly renewedAtMs: number;
}

/** Why the Lease is no longer ours. */
export interface LostLease {
  readonly message: string;
  readonly retryInMs: number;
}

/** A Lease that this process holds: renewed in time, again and again, until it is lost. */
export const leaseMachine = setup({
  types: {
    input: {} as LeaseInput,
    context: {} as LeaseInput & { readonly lost: string },
    output: {} as LostLease,
  },
  actors: { renewLease: effect<RenewOutcome, RenewInput>('renewLease') },
  guards: {
    renewed: (_, { kind }: RenewOutcome) => kind === 'renewed',
    taken: (_, { kind }: RenewOutcome) => kind === 'taken',
  },
  actions: {
    remember: assign(({ context }, outcome: RenewOutcome) => ({
      retryInMs: outcome.retryInMs,
      renewedAtMs: outcome.kind === 'renewed' ? outcome.atMs : context.renewedAtMs,
      lost: outcome.kind === 'taken' ? outcome.message : context.lost,
    })),
    tell: sendParent(({ context }): LeaseEvent => {
      return { type: 'lease.renewed', atMs: context.renewedAtMs };
    }),
  },
  delays: {
    retryDelay: ({ context }) => context.retryInMs,
    // Only who has a clock can tell: `actors/leader/leadership.ts` provides it.
    untilExpiry: Number.POSITIVE_INFINITY,
  },
}).createMachine({
  id: 'lease',
  description: 'The Lease while it is ours.',
  context: ({ input }) => ({
    ...input,
    lost: `The Lease was not renewed for ${input.renewDeadlineMs} ms.`,
  }),
  output: ({ context: { lost, retryInMs } }) => ({ message: lost, retryInMs }),
  initial: 'Holding',
  states: {
    Holding: {
      description: 'It is ours, and renewed after a while.',
      after: { retryDelay: 'Renewing', untilExpiry: 'Lost' },
    },
    Renewing: {
      description: 'One attempt to renew it in flight.',
      after: { untilExpiry: 'Lost' },
      invoke: {
        src: 'renewLease',
        input: ({ context: { renewedAtMs } }) => ({ renewedAtMs }),
        onDone: [
          {
            guard: { type: 'renewed', params: toOutput },
            target: 'Holding',
            actions: [{ type: 'remember', params: toOutput }, 'tell'],
          },
          {
            guard: { type: 'taken', params: toOutput },
            target: 'Lost',
            actions: { type: 'remember', params: toOutput },
          },
          { target: 'Holding', actions: { type: 'remember', params: toOutput } },
        ],
      },
    },
    Lost: { description: 'It ran out, or another has it.', type: 'final' },
  },
});
