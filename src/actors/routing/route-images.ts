import type { Candidate } from '#core/routing/candidates.ts';
import type { CandidateAnswer } from '#core/routing/decide.ts';
import { type AskCandidatesOptions, CandidateInquiry, recallCandidate } from './ask-candidates.ts';
import type { PodCredentials } from './pod-credentials.ts';

/** What came of asking for one image. */
export interface ImageRoute {
  /** What each candidate answered, in their order. */
  readonly answers: readonly CandidateAnswer[];
  /** Position of the one to run; undefined when nothing is available. */
  readonly winner: number | undefined;
  /** The pull secret that the Pod needs for it and does not name yet. */
  readonly pullSecret?: string;
  /** What stood in the way of a candidate that was available. */
  readonly warnings: readonly string[];
  readonly ms: number;
}

/** The candidates of one image, and what they are asked with. */
export interface ImageRequest {
  readonly candidates: readonly Candidate[];
  /** Of the Pod that would run it. */
  readonly pod: PodCredentials;
}

/**
 * The same as `routeImage`, where the answers up to the first that is available are remembered and
 * the Pod can pull that as it is. Undefined where not; nothing has been asked or written then.
 */
export function recallImage(
  options: AskCandidatesOptions,
  { candidates, pod }: ImageRequest,
): ImageRoute | undefined {
  const answers: CandidateAnswer[] = [];
  for (const candidate of candidates) {
    const credentials = pod.credentialsFor(candidate);
    const answer = recallCandidate(options, { reference: candidate.reference, credentials });
    if (answer === undefined) return undefined;
    const winner = answers.push(answer) - 1;
    if (answer.status !== 'Available' && answer.status !== 'Trusted') continue;
    if (!pod.canPullWith(candidate, answer.credential ?? credentials[0])) return undefined;
    return { answers, winner, warnings: [], ms: 0 };
  }
  return undefined;
}

/**
 * Finds the first candidate that is available and can be pulled by the Pod. One whose Secret cannot
 * be put in its place is as good as none (behaviour §3.9).
 */
export async function routeImage(
  options: AskCandidatesOptions,
  { candidates, pod }: ImageRequest,
  signal: AbortSignal,
): Promise<ImageRoute> {
  const { clock } = options.runtime;
  const startedMs = clock.now();
  const questions = candidates.map((candidate) => ({
    reference: candidate.reference,
    credentials: pod.credentialsFor(candidate),
  }));
  const inquiry = new CandidateInquiry(options, questions, signal);
  const warnings: string[] = [];
  const troubles = new Map<number, string>();
  const end = () => ({
    // Says of a candidate that was there why it was not taken.
    answers: inquiry.answers().map((answer, index) => {
      const message = troubles.get(index);
      return message === undefined ? answer : { ...answer, message };
    }),
    warnings,
    ms: Math.round(clock.now() - startedMs),
  });
  for await (const index of inquiry.available()) {
    const candidate = candidates[index];
    if (candidate === undefined) continue;
    const credential = inquiry.answers()[index]?.credential ?? questions[index]?.credentials[0];
    const placed = await pod.ensurePullSecret(candidate, credential, signal);
    if (placed.ok) {
      const { value: pullSecret } = placed;
      return { ...end(), winner: index, ...(pullSecret !== undefined && { pullSecret }) };
    }
    troubles.set(index, placed.error);
    warnings.push(`${candidate.image} was passed over: ${placed.error}`);
  }
  return { ...end(), winner: undefined };
}
