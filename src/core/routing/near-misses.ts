import { compare } from '#core/compare.ts';
import type { PodSubject } from '#core/filter/scope.ts';
import { formatReference, parseReference } from '#core/image/reference.ts';
import type { DecisionMiss } from './decision.ts';
import { nearMiss } from './near-miss.ts';
import type { RoutingTable } from './table.ts';

/** More would hide the nearest. */
const missesMax = 10;

/**
 * The resources that come near an image and do not apply to it, the nearest first, and why; yields
 * after each resource, where others may go in between.
 */
export function* nearMissesInSteps(
  table: RoutingTable,
  image: string,
  pod: PodSubject,
): Generator<void, readonly DecisionMiss[]> {
  const read = parseReference(image);
  if (!read.ok) return [];
  const named = { reference: read.value, text: formatReference(read.value) };
  const misses: (DecisionMiss & { readonly closeness: number })[] = [];
  for (const [by, { resource, outcome }] of table.entries) {
    // What only checks proposes nothing, whatever it matches.
    if (!outcome.ok || outcome.value.type === 'availability') continue;
    const miss = nearMiss({ resource, compiled: outcome.value }, named, pod);
    if (miss !== undefined) misses.push({ ...miss, by });
    yield;
  }
  return misses
    .toSorted((left, right) => right.closeness - left.closeness || compare(left.by, right.by))
    .slice(0, missesMax)
    .map(({ by, field, message }) => ({ by, field, message }));
}
