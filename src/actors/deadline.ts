import type { TimerHeap } from './timer-heap.ts';

/** What delays run on: the timer heap. */
export type DelayClock = Pick<TimerHeap, 'after'>;

/** Waits on the timer heap; resolves to false at once when `signal` aborts first. */
export function pause(clock: DelayClock, delayMs: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const onAbort = () => {
      cancel();
      resolve(false);
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve(true);
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** Runs a call under a deadline on the timer heap's clock; the call sees it as an abort. */
export async function withDeadline<T>(
  clock: DelayClock,
  { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal },
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const expiry = new AbortController();
  const cancel = clock.after(deadlineMs, () => expiry.abort(new Error('deadline passed')));
  try {
    return await run(AbortSignal.any([signal, expiry.signal]));
  } finally {
    cancel();
  }
}
