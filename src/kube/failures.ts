/** Why a call failed; no decision ever reads `message`. */
export type ApiFailure =
  | {
      /** The API server answered with an error Status. */
      readonly kind: 'status';
      readonly code: number;
      /** `NotFound`, `Conflict`, `Expired`, `AlreadyExists`, …; empty when none came. */
      readonly reason: string;
      readonly message: string;
      readonly retryAfterMs?: number;
    }
  | { readonly kind: 'connection'; readonly message: string }
  /** The answer is longer than the caller would read; a smaller page may fit. */
  | { readonly kind: 'oversize'; readonly message: string }
  | { readonly kind: 'aborted'; readonly message: string };

/** A message longer than this is cut: it ends in a log line or a condition. */
const messageCharactersMax = 1_000;

/** Whether a later try may succeed: throttling, the server's own trouble, and the connection's. */
export function isRetryable(failure: ApiFailure): boolean {
  if (failure.kind === 'connection') return true;
  return failure.kind === 'status' && isRetryableCode(failure.code);
}

/** The same of a status. */
export function isRetryableCode(code: number): boolean {
  return code === 429 || code >= 500;
}

/** Whether the API server said `code`. */
export function hasCode(failure: ApiFailure, code: number): boolean {
  return failure.kind === 'status' && failure.code === code;
}

/** How long the API server asked to be left alone, 0 where it did not; kept to up to `maxMs`. */
export function retryAfterMs(failure: ApiFailure, maxMs: number): number {
  const askedMs = failure.kind === 'status' ? (failure.retryAfterMs ?? 0) : 0;
  return Math.min(askedMs, maxMs);
}

/** What the headers of a refusal say about when to ask again. */
export interface RefusalHeaders {
  readonly 'retry-after'?: string | readonly string[] | undefined;
  /** The sender's own clock, by which a date in `Retry-After` is meant. */
  readonly date?: string | readonly string[] | undefined;
}

/** A refusal as a value; `text` is the body, a `Status` where the API server itself answered. */
export function statusFailure(
  code: number,
  text: string,
  headers: RefusalHeaders = {},
): ApiFailure {
  const status = readStatus(text);
  const askedMs = readRetryAfter(headers) ?? secondsToMs(status.details?.retryAfterSeconds);
  return {
    kind: 'status',
    code,
    reason: String(status.reason ?? ''),
    message: String(status.message ?? text).slice(0, messageCharactersMax),
    ...(askedMs !== undefined && { retryAfterMs: askedMs }),
  };
}

/**
 * Seconds, or a date as a load balancer in front may write it (RFC 9110 §10.2.3). The date is
 * measured with the clock of whoever wrote it, which may not go as ours does.
 */
function readRetryAfter({ 'retry-after': value, date }: RefusalHeaders): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^\s*\d+\s*$/.test(value)) return secondsToMs(value);
  // Only what looks like a date: `Date.parse` makes a year out of any stray number.
  const untilMs = /^[A-Za-z]{3,9},? /.test(value) ? Date.parse(value) : Number.NaN;
  const sentMs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
  const waitMs = untilMs - (Number.isNaN(sentMs) ? Date.now() : sentMs);
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
}

function secondsToMs(value: unknown): number | undefined {
  const seconds = Number(value);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
}

/**
 * Of an object that cannot be there: its name is none that the API server would have taken. As good
 * as its own 404, and nothing is asked.
 */
export function noSuchObject(path: string): ApiFailure {
  const message = `expected the name of an object in ${JSON.stringify(path.slice(0, 300))}`;
  return { kind: 'status', code: 404, reason: 'NotFound', message };
}

/** A call that got no usable answer; one that its caller gave up says so. */
export function connectionFailure(cause: unknown, signal: AbortSignal): ApiFailure {
  if (signal.aborted && !isTimeout(signal.reason)) {
    return { kind: 'aborted', message: 'given up by the caller' };
  }
  const text = isTimeout(signal.reason) ? 'no answer in time' : describe(cause);
  return { kind: 'connection', message: text.slice(0, messageCharactersMax) };
}

/** The reason to abort with when an answer did not come in time, as `AbortSignal.timeout` has it. */
export function timedOut(): DOMException {
  return new DOMException('no answer in time', 'TimeoutError');
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause ? `${cause.code}: ` : '';
  return `${code}${cause.message}`;
}

interface Status {
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly details?: { readonly retryAfterSeconds?: unknown };
}

function readStatus(text: string): Status {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
