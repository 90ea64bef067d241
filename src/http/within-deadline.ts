import { type Cancellation, CancellationSource } from '#core/cancellation.ts';
import type { MaybePromise } from '#core/maybe-promise.ts';

/** What a port came to: its answer, or why there is none. */
export type PortOutcome<Answer> =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'late' };

/** When to stop waiting. */
export interface DeadlineOptions {
  readonly deadlineMs: number;
  /** Calls back when whoever asked is gone; returns how to stop listening for that. */
  readonly onGone?: (leave: () => void) => () => void;
}

/**
 * Asks a port and waits until the deadline, no longer, whatever the port does. Its cancellation ends
 * when nobody waits any more; what it answers after that goes nowhere. A port that answers at once
 * is not waited for at all.
 */
export function askWithinDeadline<Answer>(
  ask: (cancellation: Cancellation) => MaybePromise<Answer>,
  options: DeadlineOptions,
): MaybePromise<PortOutcome<Answer>> {
  const cancellation = new CancellationSource();
  let answer: MaybePromise<Answer>;
  try {
    answer = ask(cancellation);
  } catch (error) {
    cancellation.cancel();
    return { kind: 'failed', error };
  }
  if (answer instanceof Promise) return wait(answer, cancellation, options);
  cancellation.cancel();
  return { kind: 'answered', answer };
}

async function wait<Answer>(
  coming: Promise<Answer>,
  cancellation: CancellationSource,
  { deadlineMs, onGone }: DeadlineOptions,
): Promise<PortOutcome<Answer>> {
  const { promise: late, resolve: leave } = Promise.withResolvers<PortOutcome<Answer>>();
  const giveUp = () => leave({ kind: 'late' });
  const timer = setTimeout(giveUp, deadlineMs);
  const settled = coming.then(
    (answer) => ({ kind: 'answered', answer }) as const,
    (error: unknown) => ({ kind: 'failed', error }) as const,
  );
  const stopListening = onGone?.(giveUp);
  try {
    return await Promise.race([late, settled]);
  } finally {
    clearTimeout(timer);
    stopListening?.();
    cancellation.cancel();
  }
}
