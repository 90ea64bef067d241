import type { MonitoredStatus } from '#api/image-set-availability.ts';
import { cutText } from '#core/cut-text.ts';
import type { ProbeOutcome } from '#core/probe.ts';
import { lastErrorBytesMax } from '#core/status/status-kind.ts';

/** What one check of one image came to; times are wall time in ms, of when the request left. */
export type CheckOutcome =
  | Verdict
  /** It was asked and nothing was learnt, or it was aborted: as before, but the slot was used. */
  | { readonly kind: 'inconclusive'; readonly atMs: number };

/** What a registry said about an image. */
export interface Verdict {
  readonly kind: 'verdict';
  readonly status: Exclude<MonitoredStatus, 'Scheduled' | 'NodeOnly'>;
  readonly lastError?: string;
  readonly atMs: number;
}

/** What became of the Secrets that are named for an image. */
export interface NamedSecrets {
  readonly named: number;
  readonly missing: number;
  /** Those that may be there: the API server did not say. */
  readonly unread: number;
  /** What was missing or broken, as sentences. */
  readonly warnings: readonly string[];
}

/**
 * The status of an image from what its registry said. Being refused means `UnavailableSecret` only
 * while Secrets are named and all of them are missing, and says nothing while one of them cannot be
 * read (behaviour §6).
 */
export function judgeCheck(
  outcome: ProbeOutcome,
  secrets: NamedSecrets,
  atMs: number,
): CheckOutcome {
  if (outcome.kind === 'Available') return { kind: 'verdict', status: 'Available', atMs };
  // The one that was not read may be the one that opens: the next check knows.
  if (outcome.kind === 'InvalidAuth' && secrets.unread > 0) return { kind: 'inconclusive', atMs };
  const allMissing = secrets.named > 0 && secrets.missing === secrets.named;
  const refused = outcome.kind === 'InvalidAuth';
  const status = refused && allMissing ? 'UnavailableSecret' : outcome.kind;
  // A Secret has to do with being refused, not with a registry that is down.
  const sentences = refused ? [...secrets.warnings, outcome.message] : [outcome.message];
  return {
    kind: 'verdict',
    status,
    lastError: cutText(sentences.join('; '), lastErrorBytesMax),
    atMs,
  };
}
