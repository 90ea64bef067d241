/** What a port came to: its answer, or why there is none. */
export type PortOutcome<Answer> =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'late' };

/** When to stop waiting. */
export interface PatienceOptions {
  readonly deadlineMs: number;
  /** Whoever asked is gone. */
  readonly signal?: AbortSignal;
}

/** One for all: an error of its own for each review would cost a tenth of the review. */
const nobodyWaits = new Error('nobody waits for this review any more');

/**
 * Asks a port and waits until the deadline, no longer, whatever the port does. Its signal is
 * aborted when nobody waits any more; what it answers after that goes nowhere.
 */
export async function askWithinDeadline<Answer>(
  ask: (signal: AbortSignal) => Promise<Answer>,
  { deadlineMs, signal }: PatienceOptions,
): Promise<PortOutcome<Answer>> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const abort = () => controller.abort(nobodyWaits);
  const late = new Promise<PortOutcome<Answer>>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'late' }), deadlineMs);
    controller.signal.addEventListener('abort', () => resolve({ kind: 'late' }), { once: true });
  });
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  try {
    return await Promise.race([late, settle(ask, controller.signal)]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    abort();
  }
}

/** Never rejects, also when the port throws before it returns a promise. */
async function settle<Answer>(
  ask: (signal: AbortSignal) => Promise<Answer>,
  signal: AbortSignal,
): Promise<PortOutcome<Answer>> {
  try {
    return { kind: 'answered', answer: await ask(signal) };
  } catch (error) {
    return { kind: 'failed', error };
  }
}
