import { type ActorRefFrom, fromCallback, fromPromise } from 'xstate';
import { reconcileMachine, type WorkInput, type WorkOutcome } from '#machines/reconcile.ts';
import type { Runtime } from './runtime.ts';

/** One actor of `reconcile:<what>`. */
export type ReconcileRef = ActorRefFrom<typeof reconcileMachine>;

/** What one round came to; delays in ms from its end. */
export type RoundOutcome =
  /** `dueInMs`: when the next round comes by itself; none does unless told. */
  | { readonly kind: 'done'; readonly paceMs?: number; readonly dueInMs?: number }
  /** `quietMs`: so long there is no round, whatever changes. */
  | {
      readonly kind: 'failed';
      readonly message: string;
      readonly retryInMs: number;
      readonly quietMs?: number;
    }
  | { readonly kind: 'gone' };

/** Standing work: what is done, who says that something changed, and the pace. */
export interface ReconcileOptions {
  /** One round, from the whole state; a second one on the same state changes nothing. */
  readonly work: (input: WorkInput, signal: AbortSignal) => Promise<RoundOutcome>;
  /** Calls back at each change; returns how to stop that. */
  readonly watch: (changed: () => void) => () => void;
  /** What comes within this is done together, ms. */
  readonly settleMs: number;
  /** From the end of a round to the next at least so long, unless a round says otherwise, ms. */
  readonly paceMs?: number;
}

/** The `reconcile` machine with its effects. The first round comes by itself. */
export function reconcileLogic({ clock }: Pick<Runtime, 'clock'>, options: ReconcileOptions) {
  const { work, watch, settleMs, paceMs = 0 } = options;
  return reconcileMachine.provide({
    actors: {
      watch: fromCallback(({ sendBack }) => watch(() => sendBack({ type: 'reconcile.changed' }))),
      work: fromPromise<WorkOutcome, WorkInput>(async ({ input, signal }) => {
        const outcome = await work(input, signal);
        return onClock(outcome, { endedMs: clock.now(), paceMs });
      }),
    },
    delays: {
      untilSettled: ({ context }) => Math.max(settleMs, context.earliestMs - clock.now()),
      untilDue: ({ context }) => Math.max(0, context.dueMs - clock.now()),
    },
  });
}

function onClock(
  outcome: RoundOutcome,
  { endedMs, paceMs }: { readonly endedMs: number; readonly paceMs: number },
): WorkOutcome {
  if (outcome.kind === 'gone') return outcome;
  if (outcome.kind === 'done') {
    const { dueInMs = Number.POSITIVE_INFINITY } = outcome;
    const earliestMs = endedMs + (outcome.paceMs ?? paceMs);
    return { kind: 'done', earliestMs, dueMs: endedMs + dueInMs };
  }
  const { message, retryInMs, quietMs = 0 } = outcome;
  const earliestMs = endedMs + Math.max(paceMs, quietMs);
  return { kind: 'failed', message, earliestMs, retryAtMs: endedMs + retryInMs };
}
