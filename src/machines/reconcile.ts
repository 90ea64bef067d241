import { assign, setup, stateIn } from 'xstate';
import { effect, source, toOutput } from './effect.ts';

/** What the actor of some standing work is told. */
export type ReconcileEvent =
  /** Something that the work depends on changed; which, it finds out by itself. */
  | { readonly type: 'reconcile.changed' }
  /** The same, and somebody waits for it: it is done soon, whatever the pace. */
  | { readonly type: 'reconcile.flush' }
  /** What is left is done at once, whatever the pace; then the actor ends. */
  | { readonly type: 'reconcile.end' };

/** What one round of work came to. */
export type WorkOutcome =
  | {
      readonly kind: 'done';
      /** No round begins before that, however much changes; monotonic ms. */
      readonly earliestMs: number;
      /** The next round is due by itself then; infinite where only a change brings it. */
      readonly dueMs: number;
    }
  | {
      readonly kind: 'failed';
      readonly message: string;
      /** As with `done`: whoever throttles us wants to be left alone. */
      readonly earliestMs: number;
      readonly retryAtMs: number;
    }
  /** There is nothing left to work on. */
  | { readonly kind: 'gone' };

/** What a round knows of those before it. */
export interface WorkInput {
  /** Rounds that failed one after another. */
  readonly failures: number;
  /** No other round follows if this one succeeds, so it leaves nothing for later. */
  readonly isLast: boolean;
}

/** What is remembered between rounds; times are monotonic. */
export interface ReconcileContext extends Pick<WorkInput, 'failures'> {
  readonly earliestMs: number;
  readonly dueMs: number;
  /** Why the last round failed; null while all is well. */
  readonly trouble: string | null;
}

/** What is awaited waits so long for what comes with it (behaviour §5). */
export const flushDelayMs = 20;
/** A last round that failed is tried again after so long: whoever ends us does not wait long. */
export const endRetryDelayMs = 200;
/** Only who has a clock can tell how long it is until then: `actors/reconcile.ts` provides these. */
const unprovidedMs = Number.POSITIVE_INFINITY;

const remembered = { type: 'remember', params: toOutput } as const;
const failed = { type: 'failed', params: toOutput } as const;

/** Something changed, so do what is to be done, from the whole state, at our own pace. */
export const reconcileMachine = setup({
  types: {
    context: {} as ReconcileContext,
    events: {} as ReconcileEvent,
  },
  actors: {
    watch: source('watch'),
    work: effect<WorkOutcome, WorkInput>('work'),
  },
  guards: {
    failed: (_, { kind }: WorkOutcome) => kind === 'failed',
    gone: (_, { kind }: WorkOutcome) => kind === 'gone',
    isOutdated: stateIn({ Working: 'Outdated' }),
    isAwaited: stateIn({ Working: 'Awaited' }),
    isEndAwaited: stateIn({ Working: 'EndAwaited' }),
    isOutdatedAtEnd: stateIn({ Ending: { Finishing: 'Outdated' } }),
  },
  actions: {
    remember: assign(({ context }, outcome: WorkOutcome) => {
      if (outcome.kind === 'gone') return {};
      const { earliestMs } = outcome;
      if (outcome.kind === 'done') {
        return { earliestMs, dueMs: outcome.dueMs, failures: 0, trouble: null };
      }
      const { message, retryAtMs } = outcome;
      return { earliestMs, dueMs: retryAtMs, failures: context.failures + 1, trouble: message };
    }),
  },
  delays: {
    untilSettled: unprovidedMs,
    untilDue: unprovidedMs,
    flushDelay: flushDelayMs,
    endRetryDelay: endRetryDelayMs,
  },
}).createMachine({
  id: 'reconcile',
  description: 'Standing work: done again, from the whole state, whenever something changed.',
  context: { failures: 0, earliestMs: 0, dueMs: Number.POSITIVE_INFINITY, trouble: null },
  invoke: { src: 'watch' },
  on: { 'reconcile.flush': '.Flushing', 'reconcile.end': '.Ending' },
  initial: 'Settling',
  states: {
    Idle: {
      description: 'All is done; waits for a change, or for what is due by itself.',
      after: { untilDue: 'Working' },
      on: { 'reconcile.changed': 'Settling', 'reconcile.end': 'Ended' },
    },
    Settling: {
      description:
        'Something changed; what comes with it, or before the pace allows, is waited for.',
      after: { untilSettled: 'Working' },
    },
    Flushing: {
      description: 'Somebody waits for the work: only what comes together is waited for.',
      after: { flushDelay: 'Working' },
      on: { 'reconcile.flush': {} },
    },
    Working: {
      description: 'One round of work; a change meanwhile makes it go round again.',
      initial: 'Current',
      // Aborted, what this round has sent could arrive after what the next one sends.
      on: { 'reconcile.end': '.EndAwaited' },
      invoke: {
        src: 'work',
        input: ({ context: { failures } }) => ({ failures, isLast: false }),
        onDone: [
          { guard: 'isEndAwaited', target: '#reconcile.Ending' },
          { guard: 'isAwaited', target: 'Flushing', actions: remembered },
          { guard: 'isOutdated', target: 'Settling', actions: remembered },
          { guard: { type: 'gone', params: toOutput }, target: 'Ended' },
          { guard: failed, target: 'BackingOff', actions: remembered },
          { target: 'Idle', actions: remembered },
        ],
      },
      states: {
        Current: {
          description: 'What it works on is as it was when it began.',
          on: { 'reconcile.changed': 'Outdated', 'reconcile.flush': 'Awaited' },
        },
        Outdated: {
          description: 'Something changed since it began.',
          on: { 'reconcile.flush': 'Awaited' },
        },
        Awaited: { description: 'Something changed since it began, and somebody waits for it.' },
        EndAwaited: {
          description: 'Somebody waits for the end: this round is let finish, last ones follow.',
        },
      },
    },
    BackingOff: {
      description: 'The last round failed; it is tried again, earlier when something changes.',
      after: { untilDue: 'Working' },
      on: { 'reconcile.changed': 'Settling' },
    },
    Ending: {
      description: 'The last rounds: what is left is done whatever the pace.',
      initial: 'Finishing',
      on: { 'reconcile.flush': {}, 'reconcile.end': {} },
      states: {
        Finishing: {
          description: 'A last round; a change meanwhile brings another.',
          initial: 'Current',
          invoke: {
            src: 'work',
            input: ({ context: { failures } }) => ({ failures, isLast: true }),
            onDone: [
              { guard: failed, target: 'Retrying', actions: remembered },
              { guard: 'isOutdatedAtEnd', target: 'Finishing', reenter: true },
              { target: '#reconcile.Ended' },
            ],
          },
          states: {
            Current: {
              description: 'What it works on is as it was when it began.',
              on: { 'reconcile.changed': 'Outdated' },
            },
            Outdated: { description: 'Something changed since it began.' },
          },
        },
        Retrying: {
          description: 'The last round failed; it is tried again soon.',
          after: { endRetryDelay: 'Finishing' },
        },
      },
    },
    Ended: { description: 'Nothing is left to do.', type: 'final' },
  },
});
