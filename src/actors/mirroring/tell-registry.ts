import type { Registries } from '#actors/registries/registries.ts';
import type { Credential } from '#core/credentials.ts';
import type { CopyFailure } from '#core/mirroring/copy-outcome.ts';

/** A registry, and who spoke to it. */
export interface AskedRegistry {
  readonly registry: string;
  readonly credentials: readonly Credential[];
}

/**
 * Tells the registries of a copy what it met: a connection that failed without a word makes a
 * suspect, a 429 is everybody's who uses that credential, and any answer closes a circuit.
 */
export function tellRegistry(
  registries: Pick<Registries, 'tell'>,
  ends: { readonly source?: AskedRegistry; readonly target: AskedRegistry },
  outcome: { readonly kind: string } | CopyFailure,
): void {
  if (!('side' in outcome)) {
    if (ends.source !== undefined) registries.tell(ends.source.registry, { kind: 'answered' });
    registries.tell(ends.target.registry, { kind: 'answered' });
    return;
  }
  const asked = outcome.side === 'source' ? ends.source : ends.target;
  if (asked === undefined) return;
  const { registry, credentials } = asked;
  const { reason, message, silent, retryAtMs } = outcome;
  if (silent === true) registries.tell(registry, { kind: 'failed', message });
  else if (reason === 'throttled' && retryAtMs !== undefined) {
    registries.tell(registry, { kind: 'throttled', credentials, message, retryAtMs });
  } else if (reason !== 'unreachable') registries.tell(registry, { kind: 'answered' });
}
