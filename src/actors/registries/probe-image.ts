import { type DelayClock, pause, withDeadline } from '#actors/deadline.ts';
import type { Credential } from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import {
  ATTEMPTS_MAX,
  asksAgainWithGet,
  CREDENTIALS_MAX,
  type CredentialTrial,
  classify,
  classifyDigest,
  combine,
  endsTheTrying,
  isRetryable,
  type ManifestAttempt,
  type ProbeMethod,
  type ProbeOutcome,
} from '#core/probe.ts';
import type { OciClient } from '#oci/client.ts';

/** Before the second and, doubled, the third request: time for a balancer to choose another. */
const RETRY_PAUSE_MS = 50;

/**
 * Checks one image as behaviour §4 says: credentials in their order, HEAD and where that is refused
 * GET, up to three requests where a 5xx or a reset may heal, then the digest, all inside one
 * deadline. Never rejects but for a bug. When `signal` aborts the outcome is a timeout that says
 * nothing about the registry: whoever aborted knows.
 */
export async function probeImage(
  options: ProbeImageOptions,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const { timeoutMs, clock } = options;
  if (timeoutMs <= 0) return await tryCredentials(options, signal);
  return await withDeadline(clock, { deadlineMs: timeoutMs, signal }, (bounded) =>
    tryCredentials(options, bounded),
  );
}

/** One check of one image. */
export interface ProbeImageOptions {
  readonly client: Pick<OciClient, 'manifest'>;
  readonly reference: ImageReference;
  readonly method: ProbeMethod;
  /** In the order to try, the one that worked last time first; none means anonymous. */
  readonly credentials: readonly Credential[];
  /** Whether a tag is followed to its digest. */
  readonly resolveDigest: boolean;
  /** For all of it: tokens, credentials, retries and digest; 0 is no deadline. */
  readonly timeoutMs: number;
  /** What the deadline and the pauses run on. */
  readonly clock: DelayClock;
  /** On whose behalf names are looked up: a namespace. */
  readonly share?: string;
  /** Called when anything was answered, to whichever credential. */
  readonly heard?: () => void;
}

async function tryCredentials(
  options: ProbeImageOptions,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const credentials = options.credentials.slice(0, CREDENTIALS_MAX);
  const trials: CredentialTrial[] = [];
  const askers = credentials.length === 0 ? [undefined] : credentials;
  let isSilent = true;
  const told: Heard = {
    any: () => !isSilent,
    onHeard: () => {
      isSilent = false;
      options.heard?.();
    },
  };
  for (const [index, credential] of askers.entries()) {
    const trial = await tryCredential({ ...options, credential, index, told }, signal);
    trials.push(trial);
    if (trial.ended) break;
  }
  return combine(trials);
}

interface Trial extends ProbeImageOptions {
  readonly credential: Credential | undefined;
  /** Its position. */
  readonly index: number;
  readonly told: Heard;
}

/** Whether anything was answered yet, to whichever credential: what comes then is no silence. */
interface Heard {
  readonly any: () => boolean;
  readonly onHeard: () => void;
}

async function tryCredential(trial: Trial, signal: AbortSignal): Promise<CredentialTrial> {
  let attempt = await request(trial, signal);
  let method = trial.method;
  if (asksAgainWithGet(method, attempt)) {
    method = 'GET';
    attempt = await request({ ...trial, method }, signal);
  }
  const tag = named(classify(attempt), trial);
  const { reference } = trial;
  const asksDigest = trial.resolveDigest && reference.digest === undefined;
  if (tag.kind !== 'Available' || tag.digest === undefined || !asksDigest) {
    return { outcome: tag, ended: endsTheTrying(attempt) };
  }
  const { registry, path } = reference;
  const byDigest = { registry, path, digest: tag.digest };
  const second = await request({ ...trial, method, reference: byDigest }, signal);
  const outcome = classifyDigest(trial.method, second);
  if (outcome.kind === 'Available')
    return { outcome: { ...tag, ...outcome, digest: tag.digest }, ended: true };
  return { outcome: named(outcome, trial), ended: endsTheTrying(second) };
}

/** Says with which credential the registry let us look, or whose quota is used up. */
function named(outcome: ProbeOutcome, { credential, index }: Trial): ProbeOutcome {
  if (credential === undefined) return outcome;
  if (outcome.kind === 'InvalidAuth' || outcome.kind === 'Unreachable') return outcome;
  return { ...outcome, credential: credential.source, credentialIndex: index };
}

/** One request, sent again where that may heal. */
async function request(trial: Trial, signal: AbortSignal): Promise<ManifestAttempt> {
  let attempt = await requestOnce(trial, signal);
  for (let sent = 1; sent < ATTEMPTS_MAX && isRetryable(trial.method, attempt); sent += 1) {
    await pause(trial.clock, RETRY_PAUSE_MS * sent, signal);
    // What the registry did say is worth more than that the time ran out while it was asked again.
    if (signal.aborted) return withoutRetries(attempt);
    attempt = await requestOnce(trial, signal);
  }
  return attempt;
}

/** A reset makes a suspect only when its retries failed too (behaviour §3.5). */
function withoutRetries(attempt: ManifestAttempt): ManifestAttempt {
  return attempt.kind === 'connection' ? { ...attempt, answered: true } : attempt;
}

async function requestOnce(trial: Trial, signal: AbortSignal): Promise<ManifestAttempt> {
  const attempt = await send(trial, signal);
  const { told } = trial;
  if (attempt.kind !== 'connection' || attempt.answered === true) told.onHeard();
  return attempt.kind === 'connection' && told.any() ? { ...attempt, answered: true } : attempt;
}

async function send(trial: Trial, signal: AbortSignal): Promise<ManifestAttempt> {
  const { client, reference, method, credential, share, told } = trial;
  const request = {
    ...{ reference, method, onHeard: told.onHeard },
    ...(credential !== undefined && { credential }),
    ...(share !== undefined && { share }),
  };
  const answer = await client.manifest(request, signal);
  if (!answer.ok) return answer.error;
  const { quotaResetAtMs, ...rest } = answer.value;
  return {
    kind: 'answer',
    message: `${reference.registry}: no pulls left`,
    ...rest,
    ...(quotaResetAtMs !== undefined && { retryAtMs: quotaResetAtMs }),
  };
}
