import type { ProbeReport, Registries } from '#actors/registries/registries.ts';
import type { SecretKey, SecretReader } from '#actors/secrets/secrets.ts';
import {
  type Credential,
  findCredentials,
  type OpenedSecret,
  openSecret,
} from '#core/credentials.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { type CheckVerdict, judgeCheck, type NamedSecrets } from '#core/monitoring/verdict.ts';
import { CREDENTIALS_MAX, type ProbeMethod } from '#core/probe.ts';

/** How the images of one registry are checked; structurally a part of the configuration. */
export interface CheckManner {
  readonly method: ProbeMethod;
  /** 0 is no limit. */
  readonly timeoutMs: number;
  readonly resolveDigest: boolean;
  readonly fallbackCredentialSecret?: SecretKey;
}

/** With what an image is asked for. */
export interface CheckCredentials {
  /** In the order to try; none means anonymous. */
  readonly credentials: readonly Credential[];
  readonly secrets: NamedSecrets;
}

/** What one check came to, and with what. */
export interface CheckAnswer {
  readonly verdict: CheckVerdict;
  /** Of the credential that was let in: tried first next time. */
  readonly let?: string;
  readonly quotaRemaining?: number;
  /** Wall time, ms, until which the registry said to wait. */
  readonly retryAtMs?: number;
}

/** What Secrets are read with. */
export type CheckSecrets = Pick<SecretReader, 'read' | 'forget'>;

/**
 * Reads the Secrets of one check: the Pods' pull secrets, then the fallback; anonymous where none of
 * these holds anything for the image (behaviour §6). They are read anew: checks are few, and one that
 * was just mended or rotated is used at once.
 */
export async function gatherCredentials(
  secrets: CheckSecrets,
  asked: {
    readonly reference: ImageReference;
    readonly pullSecrets: readonly SecretKey[];
    readonly fallback: SecretKey | undefined;
    /** The source of the credential that was let in last. */
    readonly first: string | undefined;
  },
  signal: AbortSignal,
): Promise<CheckCredentials> {
  const { reference, pullSecrets, fallback, first } = asked;
  const own = await readAll(secrets, pullSecrets, signal);
  const spare = await readAll(secrets, fallback === undefined ? [] : [fallback], signal);
  const found = [...findCredentials(own.opened, reference)].sort(
    (left, right) => Number(right.source === first) - Number(left.source === first),
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

/** Asks the registry, whatever its actor thinks of it: a check has its turn and uses it. */
export async function askRegistry(
  registries: Pick<Registries, 'probe'>,
  asked: CheckCredentials & {
    readonly reference: ImageReference;
    readonly manner: CheckManner;
    /** Wall time, ms. */
    readonly atMs: number;
  },
  signal: AbortSignal,
): Promise<CheckAnswer> {
  const { reference, manner, credentials, secrets, atMs } = asked;
  const { method, timeoutMs, resolveDigest } = manner;
  const report = await registries.probe(
    { reference, method, timeoutMs, resolveDigest, credentials },
    signal,
    { insist: true, isQuiet: true },
  );
  if (report.kind === 'Abandoned') return { verdict: { kind: 'none', atMs } };
  if (report.kind === 'SetAside') {
    const { message } = report;
    const outcome = { kind: 'Unreachable', cause: 'answer', message } as const;
    return { verdict: judgeCheck(outcome, secrets, atMs) };
  }
  return { verdict: judgeCheck(report.outcome, secrets, atMs), ...toldBeside(report, credentials) };
}

function toldBeside(
  { outcome, credentialIndex }: Extract<ProbeReport, { kind: 'Answered' }>,
  credentials: readonly Credential[],
): Omit<CheckAnswer, 'verdict'> {
  if (outcome.kind === 'QuotaExceeded') {
    return outcome.retryAtMs === undefined ? {} : { retryAtMs: outcome.retryAtMs };
  }
  if (outcome.kind !== 'Available') return {};
  const source = credentials[credentialIndex ?? -1]?.source;
  const { quotaRemaining } = outcome;
  return {
    ...(source !== undefined && { let: source }),
    ...(quotaRemaining !== undefined && { quotaRemaining }),
  };
}

interface ReadSecrets extends NamedSecrets {
  readonly opened: readonly OpenedSecret[];
}

/** One that cannot be read counts as missing, as it does for a review (behaviour §3.11). */
async function readAll(
  secrets: CheckSecrets,
  keys: readonly SecretKey[],
  signal: AbortSignal,
): Promise<ReadSecrets> {
  for (const key of keys) secrets.forget(key);
  const answers = await Promise.all(keys.map((key) => secrets.read(key, signal)));
  const opened = answers.flatMap((answer) =>
    answer.kind === 'found' ? openSecret(answer.secret) : [],
  );
  const lost = answers.flatMap((answer, index) => {
    const name = `${keys[index]?.namespace}/${keys[index]?.name}`;
    if (answer.kind === 'missing') return [`Secret ${name} is missing`];
    return answer.kind === 'unreadable' ? [`Secret ${name} was not read: ${answer.message}`] : [];
  });
  const warnings = [...lost, ...opened.flatMap((one) => one.warnings)];
  const unread = answers.filter((answer) => answer.kind === 'unreadable' && answer.mayPass).length;
  return { opened, named: keys.length, missing: lost.length, unread, warnings };
}
