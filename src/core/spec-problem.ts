import type { KuikKind, KuikResource } from '#api/kinds.ts';

/** Which resource is meant, as far as an event or a condition on it needs to know. */
export interface ResourceIdentity {
  readonly kind: KuikKind;
  /** Absent on cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
  /** The generation of the spec that was read. */
  readonly generation?: number;
}

/** What is wrong in a spec: the field as `kubectl explain` names it, and what was expected. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
}

/**
 * What a resource must be told (behaviour §2): `InvalidSpec` leaves it, or one of its upstreams,
 * out until it is mended; `MatchesNothing` is a word to the wise.
 */
export interface SpecProblem extends FieldProblem {
  readonly resource: ResourceIdentity;
  readonly reason: 'InvalidSpec' | 'MatchesNothing';
}

/** The identity of an object of the five kinds. */
export function identityOf(resource: KuikResource): ResourceIdentity {
  const { namespace, name, uid, generation } = resource.metadata;
  return {
    kind: resource.kind,
    ...(namespace !== undefined && { namespace }),
    name,
    ...(uid !== undefined && { uid }),
    ...(generation !== undefined && { generation }),
  };
}
