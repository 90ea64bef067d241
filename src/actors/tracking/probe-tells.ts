import type { ProbeAnswer, RegistryProbe } from '#actors/registries/registries.ts';
import { credentialContent } from '#core/credentials.ts';
import { formatReference } from '#core/image/reference.ts';
import { type CheckVerdict, judgeCheck } from '#core/monitoring/verdict.ts';
import type { CheckCredentials, CheckManner } from './check-image.ts';

/** What a routing probe says about an image that is checked with these credentials. */
export interface ProbeQuestion {
  readonly probe: RegistryProbe;
  readonly answer: ProbeAnswer;
  /** What a check would be made with now. */
  readonly held: CheckCredentials;
  readonly manner: CheckManner;
  /** Wall time, ms. */
  readonly atMs: number;
}

/** Whether a routing probe is as good as a check, and what it then says (behaviour §6). */
export const probeTells = {
  /** The image as its tracking names it. */
  imageOf: ({ reference }: RegistryProbe): string => formatReference(reference),
  /** Undefined where a check might say something else. */
  verdict: (question: ProbeQuestion): CheckVerdict | undefined => {
    const { probe, answer, held, manner, atMs } = question;
    const { outcome } = answer;
    // The digest behind a tag was not looked at, so a check would know more.
    if (manner.resolveDigest && !probe.resolveDigest) return undefined;
    if (!hasSameRight(question)) return undefined;
    // Routing has less cancellation than a check may have.
    const isImpatient = manner.timeoutMs === 0 || manner.timeoutMs > probe.timeoutMs;
    const isLate = outcome.kind === 'Unreachable' && outcome.cause === 'timeout';
    if (isLate && isImpatient) return undefined;
    const verdict = judgeCheck(outcome, held.secrets, atMs);
    return verdict.kind === 'told' ? verdict : undefined;
  },
};

/**
 * Let in: with a credential of the image's own. Refused, or anything else: every one of them was
 * tried and no other. A probe without credentials counts where a check would have none either.
 */
function hasSameRight({ probe, answer, held }: ProbeQuestion): boolean {
  const own = new Set(held.credentials.map(credentialContent));
  const { credentials } = probe;
  if (credentials.length === 0) return own.size === 0;
  const letIn = credentials[answer.credentialIndex ?? -1];
  if (answer.outcome.kind === 'Available')
    return letIn !== undefined && own.has(credentialContent(letIn));
  const tried = new Set(credentials.map(credentialContent));
  return tried.size === own.size && [...own].every((text) => tried.has(text));
}
