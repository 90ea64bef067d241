import type { KuikKind } from '#api/kinds.ts';
import { compare } from '#core/compare.ts';

/**
 * The place of one candidate (behaviour §3.4), as what is compared in turn. No two candidates of one
 * Pod have the same, so the order is total and does not depend on how resources were listed.
 */
export interface CandidatePlace {
  /** The resource's own; 0 for the original. */
  readonly priority: number;
  readonly kind: 'original' | KuikKind;
  /** The upstream's or mirror's own. */
  readonly entryPriority: number;
  /** Index of the upstream or mirror in its list. */
  readonly declaration: number;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  /** Index of the base that a mirror copies: 0 is the original. */
  readonly base: number;
}

/** Of those that propose; a ClusterImageSetAvailability does not. */
const KIND_ORDER: readonly CandidatePlace['kind'][] = [
  'original',
  'ClusterImageSetMirror',
  'ImageSetMirror',
  'ClusterReplicatedImageSet',
  'ReplicatedImageSet',
];

/** The original's own place: at 0, ahead of every resource at 0. */
export const ORIGINAL_PLACE: CandidatePlace = {
  priority: 0,
  kind: 'original',
  entryPriority: 0,
  declaration: 0,
  namespace: '',
  name: '',
  base: 0,
};

/** Before everything: where `imagePullPolicy: Always` puts the original. */
export const FIRST_PLACE: CandidatePlace = {
  ...ORIGINAL_PLACE,
  priority: Number.NEGATIVE_INFINITY,
};

/** Negative when `left` comes first. */
export function comparePlaces(left: CandidatePlace, right: CandidatePlace): number {
  return (
    compare(left.priority, right.priority) ||
    KIND_ORDER.indexOf(left.kind) - KIND_ORDER.indexOf(right.kind) ||
    left.entryPriority - right.entryPriority ||
    left.declaration - right.declaration ||
    compare(left.namespace, right.namespace) ||
    compare(left.name, right.name) ||
    left.base - right.base
  );
}
