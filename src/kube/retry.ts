import { setTimeout as delay } from 'node:timers/promises';
import { fullJitterMs } from '#core/backoff.ts';
import type { Result } from '#core/result.ts';
import { type ApiFailure, isRetryable, retryAfterMs } from './failures.ts';

/** With the waits below about half a minute in all. */
const attemptsMaxDefault = 6;
const backoff = { baseMs: 200, capMs: 10_000 };
/** The API server's Retry-After is kept to, up to this. */
const retryAfterMsMax = 30_000;

/**
 * Calls until it works, the failure is none that time heals, or the attempts are used up. Waits
 * with full jitter, and at least as long as `Retry-After` says.
 */
export async function callWithRetries<T>(
  call: (signal: AbortSignal) => Promise<Result<T, ApiFailure>>,
  options: { readonly attemptsMax?: number; readonly random: () => number },
  signal: AbortSignal,
): Promise<Result<T, ApiFailure>> {
  const attemptsMax = options.attemptsMax ?? attemptsMaxDefault;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await call(signal);
    if (answer.ok || attempt >= attemptsMax || !isRetryable(answer.error)) return answer;
    const jittered = fullJitterMs(attempt, backoff, options.random());
    const waitMs = retryAfterMs(answer.error, retryAfterMsMax) + jittered;
    await delay(waitMs, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return answer;
  }
}
