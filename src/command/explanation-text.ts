import { formatReference, parseReference } from '#core/image/reference.ts';
import type {
  CandidateReport,
  DecisionMiss,
  RouteDecision,
  RouteExplanation,
} from '#core/routing/decision.ts';
import type { AdmittedImage, Question } from './explain-questions.ts';

/** Lines stay within this, but for names that are longer by themselves. */
const columns = 80;

/** One answer of the operator, and what it is about. */
export interface Explained extends Question {
  readonly decision: RouteExplanation;
}

/** An explanation for a person: what happened, who wins now and why, every candidate in order. */
export function explanationText({ decision, about, admitted }: Explained): string {
  const { image, winner, reason, message, candidates, nearMisses, ms } = decision;
  const verdict = winner === image ? 'stays' : `-> ${winner}`;
  return [
    ...(about === undefined ? [] : [about]),
    ...(admitted === undefined ? [] : admittedLines(admitted)),
    image,
    `  ${verdict}  (${reason}, ${ms} ms)`,
    ...wrap(message, columns - 2).map((line) => `  ${line}`),
    '',
    ...candidates.flatMap((candidate, index) => candidateLines(candidate, index, decision)),
    ...(nearMisses.length === 0 ? [] : ['', '  Does not apply, but comes near:']),
    ...nearMisses.flatMap(missLines),
  ].join('\n');
}

/** The Pod that is there is not asked about any more: a new one would be. */
function admittedLines({ original, image, by, reason }: AdmittedImage): readonly string[] {
  const told = `At its admission: ${original} -> ${image} by ${by} (${reason}). A new one would get:`;
  return wrap(told, columns - 2).map((line) => `  ${line}`);
}

function missLines({ by, field, message }: DecisionMiss): readonly string[] {
  return wrap(`${by} (${field}): ${message}`, columns - 4).map((line) => `    ${line}`);
}

function candidateLines(
  candidate: CandidateReport,
  index: number,
  decision: RouteDecision,
): readonly string[] {
  const head = `${isWinner(candidate, decision) ? '*' : ' '} ${index + 1}. ${candidate.image}`;
  const answer = candidate.ms > 0 ? `${candidate.status} in ${candidate.ms} ms` : candidate.status;
  const details = [
    `by ${candidate.by}`,
    ...(candidate.filter === undefined ? [] : [`filter ${candidate.filter}`]),
    ...(candidate.credential === undefined ? [] : [`credential ${candidate.credential}`]),
  ];
  return [
    head,
    `       ${answer}; ${details.join(', ')}`,
    ...(candidate.message === undefined
      ? []
      : wrap(candidate.message, columns - 7).map((line) => `       ${line}`)),
  ];
}

/** What stays is named as the user wrote it, `nginx`; candidates have their full form. */
function isWinner(
  candidate: CandidateReport,
  { image, winner, by, reason }: RouteDecision,
): boolean {
  if (reason === 'NothingAvailable' || candidate.by !== by) return false;
  if (winner !== image) return candidate.image === winner;
  const written = parseReference(image);
  return written.ok && candidate.image === formatReference(written.value);
}

/** Breaks at blanks; a word longer than a line stays whole. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines;
}
