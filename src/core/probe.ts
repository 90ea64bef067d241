/** Availability of one image as its registry tells it (behaviour §4). */
export type ProbeStatus =
  | 'Available'
  | 'NotFound'
  | 'InvalidAuth'
  | 'QuotaExceeded'
  | 'Unreachable';

/** How a connection failed; `answer` means that the registry did answer, with something useless. */
export type UnreachableCause =
  | 'dns'
  | 'refused'
  | 'reset'
  | 'tls'
  | 'timeout'
  | 'forbidden'
  | 'answer';

/** Who was let in, or has to wait: the Secret, and the position among the credentials given. */
interface Asker {
  readonly credential?: string;
  /** One Secret may hold several. */
  readonly credentialIndex?: number;
}

/** What one check of one image came to, after credentials and retries. */
export type ProbeOutcome =
  | (Asker & {
      readonly kind: 'Available';
      readonly digest?: string;
      readonly quotaRemaining?: number;
    })
  | (Asker & { readonly kind: 'NotFound'; readonly message: string })
  | { readonly kind: 'InvalidAuth'; readonly message: string }
  | (Asker & {
      readonly kind: 'QuotaExceeded';
      readonly message: string;
      /** Wall time in ms since the epoch until which the registry said to wait. */
      readonly retryAtMs?: number;
    })
  | {
      readonly kind: 'Unreachable';
      readonly message: string;
      readonly cause: UnreachableCause;
      /** Something was answered before: no silence, so no reason for suspicion. */
      readonly answered?: true;
    };

/** What one request for one manifest came to; an `OciFailure` is one, a `ManifestAnswer` becomes one. */
export type ManifestAttempt =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly message: string;
      readonly digest?: string;
      readonly quotaRemaining?: number;
      readonly retryAtMs?: number;
    }
  | {
      readonly kind: 'connection';
      readonly cause: Exclude<UnreachableCause, 'answer'>;
      readonly message: string;
      /** Something was answered before: a challenge, a redirect, a token service. */
      readonly answered?: true;
    }
  | { readonly kind: 'protocol'; readonly message: string };

/** How a manifest is asked for. */
export type ProbeMethod = 'HEAD' | 'GET';

/** Requests for one credential and step: the first and two more (behaviour §4). */
export const ATTEMPTS_MAX = 3;

/** Credentials tried for one candidate: more would outlast any admission (behaviour §2). */
export const CREDENTIALS_MAX = 5;

/** Statuses that say: this registry (or what stands before it) does not serve that method. */
const METHOD_REFUSED: ReadonlySet<number> = new Set([405, 501]);

/** Statuses that tell about a right, not about the registry. */
const REFUSED: ReadonlySet<number> = new Set([401, 403]);

/** The status of one attempt by itself, before other credentials have their say (behaviour §4). */
export function classify(attempt: ManifestAttempt): ProbeOutcome {
  const { message } = attempt;
  if (attempt.kind === 'connection') {
    return { ...attempt, kind: 'Unreachable' };
  }
  if (attempt.kind === 'protocol') return { kind: 'Unreachable', message, cause: 'answer' };
  if (attempt.status === 404) return { kind: 'NotFound', message };
  if (REFUSED.has(attempt.status)) return { kind: 'InvalidAuth', message };
  if (attempt.status === 429 || attempt.quotaRemaining === 0) {
    const { retryAtMs } = attempt;
    return { kind: 'QuotaExceeded', message, ...(retryAtMs !== undefined && { retryAtMs }) };
  }
  if (attempt.status !== 200) return { kind: 'Unreachable', message, cause: 'answer' };
  const { digest, quotaRemaining } = attempt;
  return {
    kind: 'Available',
    ...(digest !== undefined && { digest }),
    ...(quotaRemaining !== undefined && { quotaRemaining }),
  };
}

/** Whether a registry that refuses `HEAD` has to be asked again with `GET`. */
export function asksAgainWithGet(method: ProbeMethod, attempt: ManifestAttempt): boolean {
  return method === 'HEAD' && attempt.kind === 'answer' && METHOD_REFUSED.has(attempt.status);
}

/**
 * Whether the same request may be sent again: 5xx and resets heal by themselves, a 429 does not, and
 * a registry that does not know HEAD (501) will not have learnt it a moment later.
 */
export function isRetryable(method: ProbeMethod, attempt: ManifestAttempt): boolean {
  if (classify(attempt).kind !== 'Unreachable' || asksAgainWithGet(method, attempt)) return false;
  if (attempt.kind === 'connection') return attempt.cause === 'reset';
  return attempt.kind === 'answer' && attempt.status >= 500;
}

/**
 * Whether no further credential is tried: one was let in, or the registry itself is in trouble
 * (429, 5xx, no connection). An answer that may be about the credential goes on to the next.
 */
export function endsTheTrying(attempt: ManifestAttempt): boolean {
  const { kind } = classify(attempt);
  if (kind !== 'Unreachable') return kind === 'Available' || kind === 'QuotaExceeded';
  return attempt.kind === 'connection' || (attempt.kind === 'answer' && attempt.status >= 500);
}

/**
 * The second step of `resolveDigest`: the tag is there, what of the digest it points to? `method`
 * is the one configured: 405 and 501 count as available where HEAD was meant, because a registry
 * without it has nothing to say about digests.
 */
export function classifyDigest(method: ProbeMethod, attempt: ManifestAttempt): ProbeOutcome {
  const outcome = classify(attempt);
  if (outcome.kind === 'NotFound') {
    return { ...outcome, message: `tag/digest inconsistency: ${outcome.message}` };
  }
  if (outcome.kind === 'Unreachable' && asksAgainWithGet(method, attempt)) {
    return { kind: 'Available' };
  }
  return outcome;
}

/** What one credential came to, and whether it ended the trying. */
export interface CredentialTrial {
  readonly outcome: ProbeOutcome;
  readonly ended: boolean;
}

/**
 * One outcome from those of the credentials tried, in their order: what ended the trying, be it a
 * success or trouble, then `NotFound` (a right to look and nothing there says more than no right to
 * look), then any odd answer; `InvalidAuth` only when nobody saw anything else.
 */
export function combine(trials: readonly CredentialTrial[]): ProbeOutcome {
  const ended = trials.find((trial) => trial.ended);
  if (ended !== undefined) return ended.outcome;
  const outcomes = trials.map(({ outcome }) => outcome);
  const told =
    outcomes.find(({ kind }) => kind === 'NotFound') ??
    outcomes.find(({ kind }) => kind === 'Unreachable') ??
    outcomes.at(-1);
  return told ?? { kind: 'Unreachable', cause: 'answer', message: 'no request was sent' };
}

/**
 * Whether this outcome makes its registry a suspect: a connection that failed or timed out, TLS
 * included, without any answer before. An answer of any status does not, nor does an address that
 * our own rules refuse.
 */
export function makesSuspect(outcome: ProbeOutcome): boolean {
  if (outcome.kind !== 'Unreachable' || outcome.answered === true) return false;
  return outcome.cause !== 'answer' && outcome.cause !== 'forbidden';
}
