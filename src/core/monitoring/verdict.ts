import type { MonitoredStatus } from '#api/image-set-availability.ts';
import type { ProbeOutcome } from '#core/probe.ts';

/** What one check of one image came to; times are wall time in ms, of when the request left. */
export type CheckVerdict =
  | {
      readonly kind: 'told';
      readonly status: Exclude<MonitoredStatus, 'Scheduled'>;
      readonly lastError?: string;
      readonly atMs: number;
    }
  /** It was asked and nothing was learnt, or it was called off: as before, but the slot was used. */
  | { readonly kind: 'none'; readonly atMs: number };

/** What became of the Secrets that are named for an image. */
export interface NamedSecrets {
  readonly named: number;
  readonly missing: number;
  /** Those that may be there: the API server did not say. */
  readonly unread: number;
  /** What was missing or broken, as sentences. */
  readonly warnings: readonly string[];
}

/** Behaviour §6: an error is told in so many bytes. */
export const errorBytesMax = 256;

/**
 * The status of an image from what its registry said. Being refused means `UnavailableSecret` only
 * while Secrets are named and all of them are missing, and says nothing while one of them cannot be
 * read (behaviour §6).
 */
export function judgeCheck(
  outcome: ProbeOutcome,
  secrets: NamedSecrets,
  atMs: number,
): CheckVerdict {
  if (outcome.kind === 'Available') return { kind: 'told', status: 'Available', atMs };
  // The one that was not read may be the one that opens: the next check knows.
  if (outcome.kind === 'InvalidAuth' && secrets.unread > 0) return { kind: 'none', atMs };
  const allMissing = secrets.named > 0 && secrets.missing === secrets.named;
  const refused = outcome.kind === 'InvalidAuth';
  const status = refused && allMissing ? 'UnavailableSecret' : outcome.kind;
  // A Secret has to do with being refused, not with a registry that is down.
  const sentences = refused ? [...secrets.warnings, outcome.message] : [outcome.message];
  return { kind: 'told', status, lastError: cutError(sentences.join('; ')), atMs };
}

/** At most `errorBytesMax` bytes of UTF-8, never half a character. */
export function cutError(text: string): string {
  // No character has more bytes than 3 for each of its UTF-16 units.
  if (text.length * 3 <= errorBytesMax) return text;
  let bytes = 0;
  let cut = '';
  for (const character of text) {
    bytes += bytesOf(character.codePointAt(0) ?? 0);
    if (bytes > errorBytesMax) return cut;
    cut += character;
  }
  return cut;
}

function bytesOf(codePoint: number): number {
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x10000 ? 3 : 4;
}
