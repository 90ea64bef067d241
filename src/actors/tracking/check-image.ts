import type { Registries } from '#actors/registries/registries.ts';
import type { SecretReader } from '#actors/secrets/secret-reader.ts';
import {
  type Credential,
  findCredentials,
  type OpenedSecret,
  openSecret,
} from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { type CheckOutcome, judgeCheck, type NamedSecrets } from '#core/monitoring/verdict.ts';
import { CREDENTIALS_MAX, type ProbeMethod } from '#core/probe.ts';
import { type SecretAnswer, type SecretName, secretNameText } from '#core/secret.ts';

/** What one check came to, and what else the registry said. */
export interface CheckAnswer {
  readonly outcome: CheckOutcome;
  /** The source of the credential that was let in: tried first next time. */
  readonly acceptedSource?: string | undefined;
  readonly quotaRemaining?: number | undefined;
  /** Wall time, ms, until which the registry said to wait. */
  readonly retryAtMs?: number | undefined;
}

/** How the images of one registry are checked; structurally a part of the configuration. */
export interface CheckOptions {
  readonly method: ProbeMethod;
  /** 0 is no limit. */
  readonly timeoutMs: number;
  readonly resolveDigest: boolean;
  readonly fallbackCredentialSecret?: SecretName;
}

/** Asks the registry, whatever its actor thinks of it: a check has its turn and uses it. */
export async function askRegistry(
  registries: Pick<Registries, 'probe'>,
  asked: CheckCredentials & {
    readonly reference: ImageReference;
    readonly options: CheckOptions;
    /** Wall time, ms. */
    readonly atMs: number;
  },
  signal: AbortSignal,
): Promise<CheckAnswer> {
  const { reference, options, credentials, secrets, atMs } = asked;
  const { method, timeoutMs, resolveDigest } = options;
  const report = await registries.probe(
    { reference, method, timeoutMs, resolveDigest, credentials },
    signal,
    { insist: true, isQuiet: true },
  );
  if (report.kind === 'Abandoned') return { outcome: { kind: 'inconclusive', atMs } };
  if (report.kind === 'SetAside') {
    const { message } = report;
    const outcome = { kind: 'Unreachable', cause: 'answer', message } as const;
    return { outcome: judgeCheck(outcome, secrets, atMs) };
  }
  const { outcome: said, credentialIndex = -1 } = report;
  const outcome = judgeCheck(said, secrets, atMs);
  if (said.kind === 'QuotaExceeded') return { outcome, retryAtMs: said.retryAtMs };
  if (said.kind !== 'Available') return { outcome };
  const acceptedSource = credentials[credentialIndex]?.source;
  return { outcome, acceptedSource, quotaRemaining: said.quotaRemaining };
}

/** With what an image is asked for. */
export interface CheckCredentials {
  /** In the order to try; none means anonymous. */
  readonly credentials: readonly Credential[];
  readonly secrets: NamedSecrets;
}

/** With which Secrets an image is checked. */
export interface CheckSecrets {
  readonly reference: ImageReference;
  readonly pullSecrets: readonly SecretName[];
  readonly fallback: SecretName | undefined;
  /** The source of the credential that was let in last. */
  readonly acceptedSource?: string | undefined;
}

/**
 * Reads the Secrets of one check: the Pods' pull secrets, then the fallback; anonymous where none of
 * these holds anything for the image (behaviour §6). One that cannot be read counts as missing, as it
 * does for a review (behaviour §3.11).
 */
export async function gatherCredentials(
  read: SecretReader['read'],
  { reference, pullSecrets, fallback, acceptedSource }: CheckSecrets,
  signal: AbortSignal,
): Promise<CheckCredentials> {
  const names = fallback === undefined ? pullSecrets : [...pullSecrets, fallback];
  const answers = await Promise.all(
    names.map(async (name) => ({ name: secretNameText(name), ...(await read(name, signal)) })),
  );
  const found = findCredentials(openAll(answers.slice(0, pullSecrets.length)), reference);
  const last = findCredentials(openAll(answers.slice(pullSecrets.length)), reference);
  const isAccepted = ({ source }: Credential) => Number(source === acceptedSource);
  const first = found.toSorted((left, right) => isAccepted(right) - isAccepted(left));
  // The fallback keeps a place among those that one probe tries.
  const kept = first.slice(0, Math.max(1, CREDENTIALS_MAX - last.length));
  return {
    credentials: [...kept, ...last].slice(0, CREDENTIALS_MAX),
    secrets: {
      named: names.length,
      missing: answers.filter(({ kind }) => kind !== 'found').length,
      unread: answers.filter((answer) => answer.kind === 'unreadable' && answer.mayPass).length,
      warnings: answers.flatMap(warningsOf),
    },
  };
}

type NamedAnswer = SecretAnswer & { readonly name: string };

function openAll(answers: readonly NamedAnswer[]): readonly OpenedSecret[] {
  return answers.flatMap((answer) => (answer.kind === 'found' ? openSecret(answer.secret) : []));
}

function warningsOf(answer: NamedAnswer): readonly string[] {
  if (answer.kind === 'found') return openSecret(answer.secret).warnings;
  if (answer.kind === 'missing') return [`Secret ${answer.name} is missing`];
  return [`Secret ${answer.name} was not read: ${answer.message}`];
}
