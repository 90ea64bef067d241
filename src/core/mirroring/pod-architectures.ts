import { isObject, readOwn } from '#core/json.ts';

/** What of a Pod's spec says where it may run; it comes from outside, so nothing is sure. */
export interface SchedulingSpec {
  readonly nodeSelector?: unknown;
  readonly affinity?: unknown;
}

/**
 * The architectures that a Pod may run on: those that its `kubernetes.io/arch` selector and required
 * affinity leave where it has one, else those of the cluster's nodes (behaviour §5). Sorted.
 */
export function podArchitectures(
  { nodeSelector, affinity }: SchedulingSpec,
  nodeArchitectures: Iterable<string>,
): readonly string[] {
  const nodes = new Set([...nodeArchitectures].filter(Boolean));
  const selected = architectureLabels.flatMap((label) => textOf(own(nodeSelector, label)) ?? []);
  const ofTerms = requiredTerms(affinity).map((term) => architecturesOfTerm(term, nodes));
  const ofAffinity = ofTerms.length === 0 ? undefined : ofTerms.reduce((a, b) => a.union(b));
  const bySelector = selected.length === 0 ? undefined : new Set(selected);
  if (bySelector === undefined) return [...(ofAffinity ?? nodes)].sort();
  return [...(ofAffinity === undefined ? bySelector : bySelector.intersection(ofAffinity))].sort();
}

/** The label of a node that kubelets set, and the one that they set before it. */
export const architectureLabels: readonly string[] = [
  'kubernetes.io/arch',
  'beta.kubernetes.io/arch',
];

/** Terms are alternatives; the API server takes some dozens in an object, and looks at all. */
function requiredTerms(affinity: unknown): readonly unknown[] {
  const required = own(
    own(affinity, 'nodeAffinity'),
    'requiredDuringSchedulingIgnoredDuringExecution',
  );
  return listOf(own(required, 'nodeSelectorTerms'));
}

/** What the requirements of one term leave, all together: the nodes' own where it has none. */
function architecturesOfTerm(term: unknown, nodes: ReadonlySet<string>): ReadonlySet<string> {
  const requirements = listOf(own(term, 'matchExpressions')).filter((one) =>
    architectureLabels.some((label) => own(one, 'key') === label),
  );
  // What is asked for by name may be the architecture of nodes that are still to come.
  const named = requirements.filter((one) => own(one, 'operator') === 'In').map(valuesOf);
  const excluded = requirements.filter((one) => own(one, 'operator') === 'NotIn').map(valuesOf);
  const asked = named.reduce<ReadonlySet<string> | undefined>(
    (left, right) => left?.intersection(right) ?? right,
    undefined,
  );
  return excluded.reduce((left, right) => left.difference(right), asked ?? nodes);
}

function valuesOf(requirement: unknown): ReadonlySet<string> {
  return new Set(listOf(own(requirement, 'values')).flatMap((value) => textOf(value) ?? []));
}

function own(object: unknown, key: string): unknown {
  return isObject(object) ? readOwn(object, key) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
