import { assign, setup } from 'xstate';
import { describeBug, type Thrown } from './bug.ts';
import { effect } from './effect.ts';

/** What the actor of a resource is told: that something about its Pods or its spec changed. */
export type AvailabilitySetEvent = { readonly type: 'set.changed' };

/** Which ClusterImageSetAvailability it is. */
export interface AvailabilitySetInput {
  readonly resource: string;
}

/** What a plan came to. */
export interface PlanOutcome {
  /** Images that are tracked now. */
  readonly images: number;
  /** When to plan again although nothing changes; null when nothing expires. */
  readonly againInMs: number | null;
}

/** How long to wait; null waits for an event alone. */
export interface SetWaitInput {
  readonly delayMs: number | null;
}

/** What is remembered of one resource; its images are actors of their own. */
export interface AvailabilitySetContext extends AvailabilitySetInput, PlanOutcome {
  /** Something changed while it was being planned. */
  readonly isStale: boolean;
  readonly bug: string | null;
}

/** Changes that come together are planned together: Pods of a rollout come at 20 a second. */
export const settleMs = 200;

/** One resource: restores what was tracked, then keeps what is tracked in line with its Pods. */
export const availabilitySetMachine = setup({
  types: {
    input: {} as AvailabilitySetInput,
    context: {} as AvailabilitySetContext,
    events: {} as AvailabilitySetEvent,
  },
  actors: {
    restoreImages: effect<void, AvailabilitySetInput>('restoreImages'),
    planImages: effect<PlanOutcome, AvailabilitySetInput>('planImages'),
    wait: effect<void, SetWaitInput>('wait'),
  },
  guards: { isStale: ({ context }) => context.isStale },
  actions: {
    outdate: assign({ isStale: true }),
    refresh: assign({ isStale: false }),
    rememberPlan: assign((_, outcome: PlanOutcome) => outcome),
    rememberBug: assign((_, { error }: Thrown) => ({ bug: describeBug(error) })),
  },
}).createMachine({
  id: 'availability-set',
  description: 'What one ClusterImageSetAvailability keeps track of.',
  context: ({ input: { resource } }) => ({
    ...{ resource, images: 0, againInMs: null, isStale: false, bug: null },
  }),
  initial: 'Restoring',
  states: {
    Restoring: {
      description: 'Reads what its status says was tracked, so that nothing is checked anew.',
      invoke: {
        src: 'restoreImages',
        input: ({ context: { resource } }) => ({ resource }),
        onDone: 'Planning',
        onError: {
          target: 'Broken',
          actions: { type: 'rememberBug', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    Planning: {
      description: 'Brings what is tracked in line with its Pods, a slice at a time.',
      entry: 'refresh',
      on: { 'set.changed': { actions: 'outdate' } },
      invoke: {
        src: 'planImages',
        input: ({ context: { resource } }) => ({ resource }),
        onDone: [
          {
            guard: 'isStale',
            target: 'Settling',
            actions: { type: 'rememberPlan', params: ({ event }) => event.output },
          },
          {
            target: 'Watching',
            actions: { type: 'rememberPlan', params: ({ event }) => event.output },
          },
        ],
        onError: {
          target: 'Broken',
          actions: { type: 'rememberBug', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    Watching: {
      description: 'All is as planned; waits for a change, or for the next image to expire.',
      on: { 'set.changed': 'Settling' },
      invoke: {
        id: 'expiry',
        src: 'wait',
        input: ({ context: { againInMs } }) => ({ delayMs: againInMs }),
        onDone: 'Planning',
        onError: {
          target: 'Broken',
          actions: { type: 'rememberBug', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    Settling: {
      description: 'Something changed; waits a moment for what comes with it.',
      invoke: {
        id: 'settling',
        src: 'wait',
        input: () => ({ delayMs: settleMs }),
        onDone: 'Planning',
        onError: {
          target: 'Broken',
          actions: { type: 'rememberBug', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    Broken: { description: 'A bug, not a failure: reported to the supervisor.', type: 'final' },
  },
});
