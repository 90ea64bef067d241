import { assign, setup } from 'xstate';
import { source, toEvent } from './effect.ts';

/** What the actor of one mirror is told. */
export type MirrorTargetEvent =
  /** Copies wait in its queue, or are being made. */
  | { readonly type: 'copies.wanted' }
  /** None does any more. */
  | { readonly type: 'copies.done' }
  /** Its registry does not answer, or wants to be left alone. */
  | {
      readonly type: 'target.failed';
      readonly message: string;
      /** Wall time in ms; absent where the registry did not say. */
      readonly retryAtMs?: number | undefined;
    }
  /** It answered, whatever it said: no reason to wait any longer. */
  | { readonly type: 'target.answered' };

/** Which mirror it is. */
export interface TargetInput {
  /** `<registry>[/<path>]`. */
  readonly target: string;
}

/** What is remembered of one mirror. */
export interface MirrorTargetContext extends TargetInput {
  /** Times that it backed off, one after another. */
  readonly failures: number;
  /** Why it backs off; null while all is well. */
  readonly trouble: string | null;
  /** Wall time in ms. */
  readonly retryAtMs: number | null;
}

/** Only who has a clock can tell how long it is until then: `actors/mirroring` provides it. */
const unprovidedMs = Number.POSITIVE_INFINITY;

/** One mirror as a whole: while its registry is down or throttles, none of its copies is begun. */
export const mirrorTargetMachine = setup({
  types: {
    input: {} as TargetInput,
    context: {} as MirrorTargetContext,
    events: {} as MirrorTargetEvent,
  },
  actors: {
    /** Its queue: tells whether copies are wanted, and goes on or stands still as the state says. */
    queue: source<TargetInput>('queue'),
  },
  actions: {
    rememberTrouble: assign(
      (
        { context: { failures } },
        { message, retryAtMs = null }: { message: string; retryAtMs?: number | null | undefined },
      ) => ({ failures: failures + 1, trouble: message, retryAtMs }),
    ),
    forgetTrouble: assign({ failures: 0, trouble: null, retryAtMs: null }),
  },
  delays: { untilRetried: unprovidedMs },
}).createMachine({
  id: 'mirror-target',
  description: 'One mirror, as far as it concerns all copies that are made there.',
  context: ({ input: { target } }) => ({ target, failures: 0, trouble: null, retryAtMs: null }),
  invoke: { src: 'queue', input: ({ context: { target } }) => ({ target }) },
  on: {
    'target.failed': {
      target: '.BackingOff',
      actions: { type: 'rememberTrouble', params: toEvent },
    },
  },
  initial: 'Idle',
  states: {
    Idle: {
      description: 'No copy waits for this mirror, and none is being made.',
      on: {
        'copies.wanted': 'Working',
        'target.answered': { actions: 'forgetTrouble' },
      },
    },
    Working: {
      description: 'Copies are made, so many at once.',
      on: {
        'copies.done': 'Idle',
        'target.answered': { actions: 'forgetTrouble' },
      },
    },
    BackingOff: {
      description: 'Its registry is down or throttles: copies wait until it is tried again.',
      after: { untilRetried: 'Working' },
      on: {
        'target.answered': { target: 'Working', actions: 'forgetTrouble' },
        // What was in flight when it went down fails of the same.
        'target.failed': {},
      },
    },
  },
});
