import type { CandidateReport, RouteDecision } from '#core/routing/decision.ts';

/** Lines stay within this, but for names that are longer by themselves. */
const columns = 80;

/** A decision for a person: who wins and why, then every candidate in order. */
export function decisionText(decision: RouteDecision): string {
  const { image, winner, reason, message, candidates, ms } = decision;
  const verdict = winner === image ? 'stays' : `-> ${winner}`;
  return [
    image,
    `  ${verdict}  (${reason}, ${ms} ms)`,
    ...wrap(message, columns - 2).map((line) => `  ${line}`),
    '',
    ...candidates.flatMap((candidate, index) => candidateLines(candidate, index, decision)),
  ].join('\n');
}

function candidateLines(
  candidate: CandidateReport,
  index: number,
  { winner, by }: RouteDecision,
): readonly string[] {
  const wins = candidate.image === winner && candidate.by === by;
  const head = `${wins ? '*' : ' '} ${index + 1}. ${candidate.image}`;
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
