import type { CopyFailure, CopyFailureReason } from '#core/mirroring/copy-outcome.ts';
import { answerWords, type FailedAnswer, type OciFailure } from './errors.ts';
import { readQuota } from './quota.ts';

/** Whose answer, or silence, it was. */
export type Side = CopyFailure['side'];

/** What was asked for, as far as the meaning of its refusal goes. */
export interface Asked {
  readonly side: Side;
  /** `PUT r.example.com/team/app:1`. */
  readonly text: string;
  readonly what: 'read' | 'manifest' | 'upload' | 'bytes' | 'deletion';
  readonly expected: string;
  readonly nowMs: number;
}

/** A failure of one's own finding. */
export function copyFailure(side: Side, reason: CopyFailureReason, message: string): CopyFailure {
  return { kind: 'failed', side, reason, message };
}

/** What a failed request means for a copy. */
export function failureOf(side: Side, failure: OciFailure): CopyFailure {
  const { message } = failure;
  if (failure.kind === 'answer') {
    const { status, retryAtMs } = failure;
    const reason = reasonOf(side, { status, said: '', what: 'read' });
    return { ...copyFailure(side, reason, message), ...(retryAtMs !== undefined && { retryAtMs }) };
  }
  const isSilent =
    failure.kind === 'connection' && failure.answered !== true && failure.cause !== 'forbidden';
  return {
    ...copyFailure(side, 'unreachable', message),
    ...(isSilent && { silent: true }),
  };
}

/** What an answer with the wrong status means for a copy. */
export function failureOfAnswer(answer: FailedAnswer, asked: Asked): CopyFailure {
  const { side, text, expected, what, nowMs } = asked;
  const said = answer.foreign === true ? '' : answer.body.toString();
  const reason = reasonOf(side, { status: answer.status, said, what });
  const words = `${text}: expected ${expected}, got ${answerWords(answer)}${advice(reason)}`;
  const { retryAfterMs, quotaResetAtMs } = readQuota(answer.headers, nowMs);
  const retryAtMs = retryAfterMs ?? quotaResetAtMs;
  return {
    ...copyFailure(side, reason, words),
    ...(retryAtMs !== undefined && reason === 'throttled' && { retryAtMs }),
  };
}

/** Whether a registry says that it lacks a blob of a manifest (rule 7 of copying). */
export function lacksBlob({ status, body }: FailedAnswer): boolean {
  return (status === 400 || status === 404) && /"(MANIFEST_)?BLOB_UNKNOWN"/.test(body.toString());
}

interface Refusal {
  readonly status: number;
  readonly said: string;
  readonly what: Asked['what'];
}

function reasonOf(side: Side, refusal: Refusal): CopyFailureReason {
  if (refusal.status === 429) return 'throttled';
  return side === 'source' ? sourceReason(refusal.status) : targetReason(refusal);
}

function sourceReason(status: number): CopyFailureReason {
  if (status === 404) return 'not-found';
  return status === 401 || status === 403 ? 'source-denied' : 'unreachable';
}

/** ECR, Harbor, Artifactory and GAR, each in its own words and with its own status. */
const IMMUTABLE = /immutab|already exists|cannot be overwritten|ImageTagAlreadyExists/i;

function targetReason({ status, said, what }: Refusal): CopyFailureReason {
  if (status === 507) return 'no-space';
  if (status >= 500) return 'unreachable';
  if (what === 'manifest' && IMMUTABLE.test(said)) return 'immutable-tag';
  if (/"NAME_UNKNOWN"/.test(said)) return 'repository-missing';
  if (/"DIGEST_INVALID"/.test(said)) return 'corrupt';
  return byStatus[what](status);
}

const byStatus: Readonly<Record<Asked['what'], (status: number) => CopyFailureReason>> = {
  manifest: (status) => {
    if ([401, 403, 405].includes(status)) return 'denied';
    if (status === 409 || status === 412) return 'immutable-tag';
    return [400, 404, 413, 415, 422].includes(status) ? 'manifest-refused' : 'unreachable';
  },
  read: (status) => (status === 404 ? 'not-found' : deniedOrUnreachable(status)),
  bytes: (status) => (status === 413 ? 'out-of-bounds' : deniedOrUnreachable(status)),
  upload: (status) => (status === 404 ? 'repository-missing' : deniedOrUnreachable(status)),
  deletion: deniedOrUnreachable,
};

function deniedOrUnreachable(status: number): CopyFailureReason {
  return [401, 403, 405].includes(status) ? 'denied' : 'unreachable';
}

/** What a person can do, where the registry itself does not say. */
function advice(reason: CopyFailureReason): string {
  if (reason === 'repository-missing') {
    return '; create the repository, or a template that creates repositories on push';
  }
  return reason === 'no-space' ? '; the mirror has no room left' : '';
}
