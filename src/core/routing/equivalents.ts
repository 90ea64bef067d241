import type { PodSubject } from '#core/filter/scope.ts';
import { formatReference, type ImageReference } from '#core/image/reference.ts';
import {
  byPlace,
  CANDIDATES_MAX,
  type Candidate,
  matchSets,
  originalCandidate,
  proposeUpstreams,
} from './candidates.ts';
import type { CompiledSet } from './compiled.ts';
import type { RoutingTable } from './table.ts';

/** Which images hold the same as one, and who says so. */
export interface Equivalents {
  /** The image itself, with what the sets lend for it. */
  readonly original: Candidate;
  /** The other upstreams' images, in order, each once. */
  readonly others: readonly Candidate[];
}

/**
 * What sets in force for a Pod declare to be the same image (behaviour §5); only sets that
 * `isAsked` says yes to. Yields where others may go in between.
 */
export function* equivalentsInSteps(
  table: Pick<RoutingTable, 'setsFor'>,
  { image, pod, isAsked }: EquivalentsQuestion,
): Generator<void, Equivalents> {
  const named = { reference: image, text: formatReference(image) };
  const sets = yield* table.setsFor(named, pod.namespace);
  const asked = sets.verdicts.filter(({ compiled }) => isAsked(compiled));
  const matched = matchSets(asked, pod);
  const proposals = matched.flatMap((match) => proposeUpstreams(match, image)).sort(byPlace);
  const others = new Map<string, Candidate>();
  for (const { candidate } of proposals) {
    const isNew = candidate.image !== named.text && !others.has(candidate.image);
    if (isNew && others.size < CANDIDATES_MAX) others.set(candidate.image, candidate);
  }
  return { original: originalCandidate(image, matched), others: [...others.values()] };
}

/** An image, a Pod that uses it, and whose word counts. */
export interface EquivalentsQuestion {
  readonly image: ImageReference;
  readonly pod: PodSubject;
  readonly isAsked: (set: CompiledSet) => boolean;
}
