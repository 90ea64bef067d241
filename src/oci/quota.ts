import type { IncomingHttpHeaders } from 'node:http';

/** What the headers of one answer say about the quota of the credential that asked. */
export interface QuotaReading {
  /** Pulls left, from `ratelimit-remaining`. */
  readonly quotaRemaining?: number;
  /** Pulls in all, from `ratelimit-limit`. */
  readonly quotaLimit?: number;
  /** Wall time in ms since the epoch at which the quota is renewed. */
  readonly quotaResetAtMs?: number;
  /** Wall time in ms since the epoch before which nothing should be asked (`Retry-After`). */
  readonly retryAfterMs?: number;
}

/** Headers of an answer: names in lower case, a list where one came several times. */
export type AnswerHeaders = Readonly<IncomingHttpHeaders>;

/** `Retry-After` is RFC 9110 §10.2.3; Docker Hub sends its own beside it. */
const RETRY_AFTER = ['retry-after', 'x-retry-after'];
/** The IETF draft counts seconds from now, the older `x-` headers name a second since the epoch. */
const RESET = ['ratelimit-reset', 'x-ratelimit-reset'];

/** Above this a number of seconds is a point in time, not a span: 2001, or 31 years from now. */
const EPOCH_SECONDS_MIN = 1_000_000_000;
/** Above this it is even milliseconds since the epoch. */
const EPOCH_MS_MIN = 1_000_000_000_000;

/** Reads rate-limit headers as Docker Hub, GitHub and the IETF draft write them. */
export function readQuota(headers: AnswerHeaders, nowMs: number): QuotaReading {
  const quotaRemaining = least(headers['ratelimit-remaining']);
  const quotaLimit = least(headers['ratelimit-limit']);
  const quotaResetAtMs = firstMoment(headers, RESET, nowMs);
  const retryAfterMs = firstMoment(headers, RETRY_AFTER, nowMs);
  return {
    ...(quotaRemaining !== undefined && { quotaRemaining }),
    ...(quotaLimit !== undefined && { quotaLimit }),
    ...(quotaResetAtMs !== undefined && { quotaResetAtMs }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** `76;w=21600` or a plain `76`; the least of several. */
function least(value: string | string[] | undefined): number | undefined {
  const numbers = [value ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .map((item) => /^\s*(\d{1,15})\s*(?:;|$)/.exec(item)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number);
  return numbers.length === 0 ? undefined : Math.min(...numbers);
}

function firstMoment(
  headers: AnswerHeaders,
  names: readonly string[],
  nowMs: number,
): number | undefined {
  for (const name of names) {
    const moment = readMoment([headers[name] ?? []].flat()[0], nowMs);
    if (moment !== undefined) return moment;
  }
  return undefined;
}

/** Seconds from now, seconds or milliseconds since the epoch, or an HTTP date. */
function readMoment(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.split(';')[0]?.trim() ?? '';
  if (/^\d{1,15}(\.\d+)?$/.test(text)) {
    const number = Number(text);
    if (number >= EPOCH_MS_MIN) return number;
    return number >= EPOCH_SECONDS_MIN ? number * 1000 : nowMs + number * 1000;
  }
  // Only what looks like a date: `Date.parse` makes a year out of any stray number.
  const date = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : date;
}
