import type { ProbeReport, Registries } from '#actors/registries/registries.ts';
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
import { type SecretName, secretNameText } from '#core/secret.ts';

/** What one check came to, and what else the registry said. */
export interface CheckAnswer {
  readonly outcome: CheckOutcome;
  /** The source of the credential that was let in: tried first next time. */
  readonly acceptedSource?: string;
  readonly quotaRemaining?: number;
  /** Wall time, ms, until which the registry said to wait. */
  readonly retryAtMs?: number;
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
  const outcome = judgeCheck(report.outcome, secrets, atMs);
  return { outcome, ...whatElse(report, credentials) };
}

function whatElse(
  { outcome, credentialIndex }: Extract<ProbeReport, { kind: 'Answered' }>,
  credentials: readonly Credential[],
): Omit<CheckAnswer, 'outcome'> {
  if (outcome.kind === 'QuotaExceeded') {
    return outcome.retryAtMs === undefined ? {} : { retryAtMs: outcome.retryAtMs };
  }
  if (outcome.kind !== 'Available') return {};
  const source = credentials[credentialIndex ?? -1]?.source;
  const { quotaRemaining } = outcome;
  return {
    ...(source !== undefined && { acceptedSource: source }),
    ...(quotaRemaining !== undefined && { quotaRemaining }),
  };
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
 * these holds anything for the image (behaviour §6).
 */
export async function gatherCredentials(
  read: SecretReader['read'],
  { reference, pullSecrets, fallback, acceptedSource }: CheckSecrets,
  signal: AbortSignal,
): Promise<CheckCredentials> {
  const own = await readAll(read, pullSecrets, signal);
  const spare = await readAll(read, fallback === undefined ? [] : [fallback], signal);
  const found = [...findCredentials(own.opened, reference)].sort(
    (left, right) =>
      Number(right.source === acceptedSource) - Number(left.source === acceptedSource),
  );
  const last = findCredentials(spare.opened, reference);
  // The fallback keeps a place among those that one probe tries.
  const kept = found.slice(0, Math.max(1, CREDENTIALS_MAX - last.length));
  return {
    credentials: [...kept, ...last].slice(0, CREDENTIALS_MAX),
    secrets: {
      named: own.named + spare.named,
      missing: own.missing + spare.missing,
      unread: own.unread + spare.unread,
      warnings: [...own.warnings, ...spare.warnings],
    },
  };
}

interface ReadSecrets extends NamedSecrets {
  readonly opened: readonly OpenedSecret[];
}

/** One that cannot be read counts as missing, as it does for a review (behaviour §3.11). */
async function readAll(
  read: SecretReader['read'],
  names: readonly SecretName[],
  signal: AbortSignal,
): Promise<ReadSecrets> {
  const answers = await Promise.all(
    names.map(async (name) => ({ name: secretNameText(name), answer: await read(name, signal) })),
  );
  const opened = answers.flatMap(({ answer }) =>
    answer.kind === 'found' ? openSecret(answer.secret) : [],
  );
  const lost = answers.flatMap(({ name, answer }) => {
    if (answer.kind === 'missing') return [`Secret ${name} is missing`];
    return answer.kind === 'unreadable' ? [`Secret ${name} was not read: ${answer.message}`] : [];
  });
  const warnings = [...lost, ...opened.flatMap((one) => one.warnings)];
  const unread = answers.filter(
    ({ answer }) => answer.kind === 'unreadable' && answer.mayPass,
  ).length;
  return { opened, named: names.length, missing: lost.length, unread, warnings };
}
