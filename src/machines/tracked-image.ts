import { assign, type DoneActorEvent, setup } from 'xstate';
import { monitoredStatuses } from '#api/image-set-availability.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckOutcome, Verdict } from '#core/monitoring/verdict.ts';
import { effect, toEvent } from './effect.ts';

/** What the actor of a tracked image is told. */
export type TrackedImageEvent =
  /** Its turn at its registry has come. */
  | { readonly type: 'check.due' }
  /** It is checked with other Secrets from now on; `atMs` is wall time. */
  | { readonly type: 'check.cancel'; readonly atMs: number }
  /** Somebody else asked its registry, with what this resource would have asked with. */
  | { readonly type: 'probe.seen'; readonly verdict: Verdict }
  /** Pods use it; whether somebody wrote it, or all of them were rewritten to it. */
  | { readonly type: 'image.used'; readonly original: boolean }
  /** Its last Pod has gone. */
  | { readonly type: 'image.unused'; readonly sinceMs: number }
  /** It was unused for as long as its resource says. */
  | { readonly type: 'image.expired' };

/** What is known of the image when its actor starts, by its status before or by nobody yet. */
export interface TrackedImageInput {
  readonly tracked: TrackedImage;
}

/** Which image of which resource a check is about. */
export interface CheckImageInput {
  readonly resource: string;
  readonly image: string;
}

type DoneCheck = DoneActorEvent<CheckOutcome>;

/** What a check can come to, the most usual first. */
const learntStatuses = monitoredStatuses.filter((status) => status !== 'Scheduled');
const learnAnswer = {
  type: 'learn' as const,
  params: ({ event }: { readonly event: DoneCheck }) => event.output,
};

/** One image of one resource: whether it can be pulled, and whether anybody uses it. */
export const trackedImageMachine = setup({
  types: {
    input: {} as TrackedImageInput,
    context: {} as TrackedImageInput,
    events: {} as TrackedImageEvent,
  },
  actors: { checkImage: effect<CheckOutcome, CheckImageInput>('checkImage') },
  guards: {
    is: ({ context }, { status }: Pick<TrackedImage, 'status'>) =>
      context.tracked.status === status,
    says: (_, { outcome, status }: { outcome: CheckOutcome; status: Verdict['status'] }) =>
      outcome.kind === 'verdict' && outcome.status === status,
    isUnused: ({ context }) => context.tracked.unusedSinceMs !== undefined,
  },
  actions: {
    learn: assign(({ context }, outcome: CheckOutcome) => {
      if (outcome.kind === 'inconclusive') {
        return { tracked: { ...context.tracked, lastMonitorMs: outcome.atMs } };
      }
      const { lastError: _, ...before } = context.tracked;
      const { status, lastError, atMs } = outcome;
      const error = lastError === undefined ? {} : { lastError };
      return { tracked: { ...before, status, lastMonitorMs: atMs, ...error } };
    }),
    use: assign(({ context }, { original }: { readonly original: boolean }) => {
      const { unusedSinceMs: _, ...before } = context.tracked;
      return { tracked: { ...before, original } };
    }),
    unuse: assign(({ context }, { sinceMs }: { readonly sinceMs: number }) => ({
      tracked: { ...context.tracked, unusedSinceMs: sinceMs },
    })),
  },
}).createMachine({
  id: 'tracked-image',
  description: 'One image that one resource keeps track of.',
  context: ({ input: { tracked } }) => ({ tracked }),
  initial: 'Tracked',
  states: {
    Tracked: {
      description: 'In scope; its two sides change independently.',
      type: 'parallel',
      on: { 'image.expired': 'Expired' },
      states: {
        availability: {
          description: 'What its registry said last.',
          initial: 'Scheduled',
          on: {
            'check.due': '.Checking',
            'probe.seen': {
              target: '.Scheduled',
              actions: { type: 'learn', params: ({ event }) => event.verdict },
            },
          },
          states: {
            Scheduled: {
              description:
                'Waits for its first check; where anything is known it goes on to that at once.',
              always: learntStatuses.map((status) => ({
                guard: { type: 'is' as const, params: { status } },
                target: status,
              })),
            },
            Checking: {
              description:
                'Its registry is being asked; leaving this state aborts that, unless others wait for the same answer.',
              on: {
                'check.due': {},
                'probe.seen': {},
                'check.cancel': {
                  target: 'Scheduled',
                  actions: {
                    type: 'learn',
                    params: ({ event: { atMs } }) => ({ kind: 'inconclusive', atMs }),
                  },
                },
              },
              invoke: {
                src: 'checkImage',
                input: ({ context: { tracked } }) => ({
                  resource: tracked.resource,
                  image: tracked.image,
                }),
                onDone: [
                  ...learntStatuses.map((status) => ({
                    guard: {
                      type: 'says' as const,
                      params: ({ event }: { readonly event: DoneCheck }) => ({
                        outcome: event.output,
                        status,
                      }),
                    },
                    target: status,
                    actions: learnAnswer,
                  })),
                  { target: 'Scheduled', actions: learnAnswer },
                ],
              },
            },
            Available: { description: 'It could be pulled when it was checked last.' },
            NotFound: { description: 'Its registry has no such image.' },
            InvalidAuth: { description: 'No credential was let in.' },
            Unreachable: { description: 'Its registry did not answer with anything useful.' },
            QuotaExceeded: { description: 'Its registry said that there were too many requests.' },
            UnavailableSecret: {
              description: 'All Secrets that are named for it are missing, and it is private.',
            },
          },
        },
        usage: {
          description: 'Whether any Pod in scope uses it.',
          initial: 'Used',
          on: {
            'image.used': { target: '.Used', actions: { type: 'use', params: toEvent } },
            'image.unused': { target: '.Unused', actions: { type: 'unuse', params: toEvent } },
          },
          states: {
            Used: {
              description: 'At least one Pod uses it.',
              always: { guard: 'isUnused', target: 'Unused' },
            },
            Unused: { description: 'Its last Pod has gone; it is checked until it expires.' },
          },
        },
      },
    },
    Expired: { description: 'Unused for as long as its resource says: it goes.', type: 'final' },
  },
});
