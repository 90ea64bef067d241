import { formatReference } from '#core/image/reference.ts';
import { type CheckVerdict, judgeCheck } from '#core/monitoring/verdict.ts';
import type { CheckManner } from './check-image.ts';
import type { ProbeAnswer, RegistryProbe } from './registries.ts';

/** What a routing probe says about an image that is checked with these Secrets. */
export interface ProbeQuestion {
  readonly probe: RegistryProbe;
  readonly answer: ProbeAnswer;
  /** `namespace/name` of the Secrets that the image is checked with. */
  readonly item: { readonly pullSecrets: readonly string[] };
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
    const { probe, answer, manner, atMs } = question;
    const { outcome } = answer;
    // The digest behind a tag was not looked at, so a check would know more.
    if (manner.resolveDigest && !probe.resolveDigest) return undefined;
    if (!hasSameRight(question)) return undefined;
    // Routing has less patience than a check may have.
    const isImpatient = manner.timeoutMs === 0 || manner.timeoutMs > probe.timeoutMs;
    const isLate = outcome.kind === 'Unreachable' && outcome.cause === 'timeout';
    if (isLate && isImpatient) return undefined;
    const named = question.item.pullSecrets.length;
    return judgeCheck(outcome, { named, missing: 0, unread: 0, warnings: [] }, atMs);
  },
};

/**
 * Let in: with one of the image's own Secrets. Refused, or anything else: every one of them was
 * tried and no other. A probe without credentials counts where the image has no Secret at all.
 */
function hasSameRight({ probe, answer, item, manner }: ProbeQuestion): boolean {
  const fallback = manner.fallbackCredentialSecret;
  const own = new Set(item.pullSecrets);
  if (fallback !== undefined) own.add(`${fallback.namespace}/${fallback.name}`);
  const { credentials } = probe;
  if (credentials.length === 0) return own.size === 0;
  const letIn = credentials[answer.credentialIndex ?? -1];
  if (answer.outcome.kind === 'Available') return letIn !== undefined && own.has(letIn.source);
  const tried = new Set(credentials.map(({ source }) => source));
  return tried.size === own.size && [...own].every((source) => tried.has(source));
}
