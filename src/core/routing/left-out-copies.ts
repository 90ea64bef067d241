import type { PodSubject } from '#core/filter/scope.ts';
import { parseReference } from '#core/image/reference.ts';
import { candidatesInSteps } from './candidates.ts';
import type { DecisionMiss } from './decision.ts';
import type { RoutingTable } from './table.ts';

/** More would hide what is asked about. */
const leftOutMax = 10;

/** The copies that an image is not offered, and why; yields where others may go in between. */
export function* leftOutInSteps(
  table: RoutingTable,
  image: string,
  pod: PodSubject,
): Generator<void, readonly DecisionMiss[]> {
  const read = parseReference(image);
  if (!read.ok) return [];
  const subject = { ...pod, image: read.value, imagePullPolicy: 'IfNotPresent' as const };
  const { leftOut } = yield* candidatesInSteps(table, subject, anyOrder);
  return leftOut
    .slice(0, leftOutMax)
    .map(({ by, message }) => ({ by, field: 'status.matchingImages', message }));
}

/** What is left out is so in whatever order. */
const anyOrder = { honorPrioritiesOnAlwaysImagePullPolicy: false };
