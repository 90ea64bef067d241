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
  | { readonly kind: 'aborted'; readonly message: string };

/** A message longer than this is cut: it ends in a log line or a condition. */
const messageCharactersMax = 1_000;

/** Whether a later try may succeed: throttling, the server's own trouble, and the connection's. */
export function isRetryable(failure: ApiFailure): boolean {
  if (failure.kind === 'connection') return true;
  return failure.kind === 'status' && (failure.code === 429 || failure.code >= 500);
}

/** Whether the API server said `code`. */
export function hasCode(failure: ApiFailure, code: number): boolean {
  return failure.kind === 'status' && failure.code === code;
}

/** A refusal as a value; `text` is the body, a `Status` where the API server itself answered. */
export function statusFailure(
  code: number,
  text: string,
  retryAfter?: string | readonly string[],
): ApiFailure {
  const status = readStatus(text);
  const seconds = Number(
    typeof retryAfter === 'string' ? retryAfter : status.details?.retryAfterSeconds,
  );
  return {
    kind: 'status',
    code,
    reason: String(status.reason ?? ''),
    message: String(status.message ?? text).slice(0, messageCharactersMax),
    ...(Number.isFinite(seconds) && seconds >= 0 && { retryAfterMs: seconds * 1000 }),
  };
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
