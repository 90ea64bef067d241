import type { Credential } from '#core/credentials.ts';
import { assert } from '#core/result.ts';
import type { Candidate } from './candidates.ts';
import type {
  CandidateReport,
  CandidateStatus,
  DecisionReason,
  RewriteReason,
  RouteDecision,
} from './decision.ts';
import type { LeftOutCopy } from './why-left-out.ts';

/** What is known of one candidate when the decision falls. */
export interface CandidateAnswer extends Pick<CandidateReport, 'status' | 'ms' | 'message'> {
  /** The credential that was let in; only where it comes from is ever shown. */
  readonly credential?: Credential;
}

/** All that a decision is made from. */
interface DecisionInput {
  readonly container: Pick<RouteDecision, 'key' | 'image'>;
  readonly candidates: readonly Candidate[];
  /** The copies that are none of them, for whoever is left with nothing else. */
  readonly leftOut?: readonly LeftOutCopy[];
  /** One a candidate, in the same order; what is missing counts as not asked. */
  readonly answers: readonly CandidateAnswer[];
  /** Index of the candidate that is taken; `undefined` when nothing is available. */
  readonly winner: number | undefined;
  /** All of the asking, in ms. */
  readonly ms: number;
}

/** Longest message: the API server cuts warnings at 4,096 characters in all. */
const MESSAGE_CHARACTERS_MAX = 2048;

const NOT_ASKED: CandidateAnswer = { status: 'NotAsked', ms: 0 };

/**
 * Whether anything has to be asked: with the original as the only candidate no request is sent, a
 * lone alternative is probed (behaviour §3.5).
 */
export function needsAsking(candidates: readonly Candidate[]): boolean {
  return candidates.some(({ original }) => !original);
}

/** The decision for one image (behaviour §3.5, §3.6 and §3.10). */
export function decide(input: DecisionInput): RouteDecision {
  const { container, candidates, ms } = input;
  const winner = input.winner === undefined ? undefined : candidates[input.winner];
  assert(input.winner === undefined || winner !== undefined, 'the winner is one of the candidates');
  const reason = reasonOf(input, winner);
  const rewritten = winner !== undefined && !winner.original;
  const report = candidates.map((candidate, index) =>
    reportOf(candidate, input.answers[index] ?? NOT_ASKED),
  );
  return {
    key: container.key,
    image: container.image,
    winner: rewritten ? winner.image : container.image,
    by: winner?.by ?? 'original',
    reason,
    message: messageOf(input, reason, report),
    candidates: report,
    ms,
  };
}

/** The decision for what is left alone without a look at its candidates (behaviour §3.1). */
export function skippedDecision(container: DecisionInput['container'], why: string): RouteDecision {
  return {
    key: container.key,
    image: container.image,
    winner: container.image,
    by: 'original',
    reason: 'Skipped',
    message: cut(`${container.key} keeps ${container.image}: ${why}`),
    candidates: [],
    ms: 0,
  };
}

/** Whether the container gets another image than the one it came with. */
export function isRewritten(decision: RouteDecision): boolean {
  return decision.winner !== decision.image;
}

/** The admission warning of a decision that found nothing available; most decisions have none. */
export function decisionWarning(decision: RouteDecision): string | undefined {
  return decision.reason === 'NothingAvailable' ? `kuik: ${decision.message}` : undefined;
}

function reasonOf(input: DecisionInput, winner: Candidate | undefined): DecisionReason {
  const { candidates } = input;
  if (!needsAsking(candidates) && candidates.length > 0) return 'OnlyCandidate';
  if (winner === undefined) return 'NothingAvailable';
  if (winner.original) return 'OriginalAvailable';
  const original = candidates.findIndex((candidate) => candidate.original);
  if (original === -1) return 'OriginalDiscarded';
  if (candidates.indexOf(winner) < original) return 'Preferred';
  return REASONS[(input.answers[original] ?? NOT_ASKED).status];
}

/** Why a candidate behind the original was taken, by what became of the original. */
const REASONS: Readonly<Record<CandidateStatus, RewriteReason>> = {
  NotFound: 'OriginalNotFound',
  InvalidAuth: 'OriginalInvalidAuth',
  QuotaExceeded: 'OriginalQuotaExceeded',
  Unreachable: 'OriginalUnreachable',
  SetAside: 'OriginalUnreachable',
  NotAsked: 'OriginalUnreachable',
  // Let in with a credential that could not be put beside the Pod, so the Pod is not.
  Available: 'OriginalInvalidAuth',
  Trusted: 'OriginalInvalidAuth',
};

function reportOf(candidate: Candidate, answer: CandidateAnswer): CandidateReport {
  const { image, by, filter } = candidate;
  const { credential, ...told } = answer;
  return {
    ...{ image, by, ...told },
    ...(credential !== undefined && { credential: credential.source }),
    ...(filter !== undefined && { filter }),
  };
}

function messageOf(
  { container, winner, leftOut = [] }: DecisionInput,
  reason: DecisionReason,
  report: readonly CandidateReport[],
): string {
  const keeps = `${container.key} keeps ${container.image}`;
  const unoffered = leftOut.map(({ message }) => message);
  if (reason === 'OnlyCandidate') {
    const [why = 'no resource proposes another image'] = unoffered;
    return `${keeps}: ${why}`;
  }
  if (reason === 'NothingAvailable') {
    const told = [...report.map(attemptOf), ...unoffered];
    return report.length === 0
      ? `${keeps}: it is discarded and nothing takes its place`
      : cut(`${keeps}: nothing is available; tried ${told.join('; ')}`);
  }
  const before = report.slice(0, winner).map(attemptOf);
  const passed = before.length === 0 ? '' : `; before it ${before.join('; ')}`;
  if (reason === 'OriginalAvailable') return cut(`${keeps}: it is available${passed}`);
  const taken = report[winner ?? 0];
  const runs = `${container.key} runs ${taken?.image} by ${taken?.by} instead of ${container.image}`;
  return cut(`${runs} (${reason})${passed}`);
}

function attemptOf({ image, status, message }: CandidateReport): string {
  return message === undefined ? `${image} (${status})` : `${image} (${status}: ${message})`;
}

function cut(message: string): string {
  return message.length <= MESSAGE_CHARACTERS_MAX
    ? message
    : `${message.slice(0, MESSAGE_CHARACTERS_MAX - 1)}…`;
}
