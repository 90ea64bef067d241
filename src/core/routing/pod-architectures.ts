import { isObject } from '#core/json.ts';
import type { NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from '#core/pod.ts';

/** The labels of a node that say its architecture, the newer first; kubelets set both. */
export const architectureLabels: readonly string[] = [
  'kubernetes.io/arch',
  'beta.kubernetes.io/arch',
];

/**
 * The architectures on which a Pod may come to run: those that its node selector and its required node
 * affinity leave where they name any, else those of the cluster's nodes (behaviour §5); undefined where
 * it says nothing and the nodes are not known.
 */
export function podArchitectures(
  spec: Pick<PodSpec, 'nodeSelector' | 'affinity'>,
  nodes: ReadonlySet<string> | undefined,
): ReadonlySet<string> | undefined {
  const { nodeSelector, affinity } = spec;
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return both(bySelector(nodeSelector), byTerms(terms?.nodeSelectorTerms, nodes)) ?? nodes;
}

/** Undefined leaves all. */
type Architectures = ReadonlySet<string> | undefined;

function both(left: Architectures, right: Architectures): Architectures {
  if (left === undefined || right === undefined) return left ?? right;
  return left.intersection(right);
}

function bySelector(selector: unknown): Architectures {
  if (!isObject(selector)) return undefined;
  return architectureLabels
    .map((name) => selector[name])
    .map((value) => (typeof value === 'string' ? new Set([value]) : undefined))
    .reduce(both, undefined);
}

/** A node has to fulfil any of the terms: one that says nothing of architectures leaves all. */
function byTerms(terms: unknown, nodes: Architectures): Architectures {
  if (!Array.isArray(terms) || terms.length === 0) return undefined;
  const any = new Set<string>();
  for (const term of terms as readonly NodeSelectorTerm[]) {
    const left = byTerm(term, nodes);
    if (left === undefined) return undefined;
    for (const one of left) any.add(one);
  }
  return any;
}

function byTerm(term: NodeSelectorTerm | null, nodes: Architectures): Architectures {
  const requirements: unknown = term?.matchExpressions;
  if (!Array.isArray(requirements)) return undefined;
  return (requirements as readonly (NodeSelectorRequirement | null)[])
    .map((one) => byRequirement(one ?? {}, nodes))
    .reduce(both, undefined);
}

/** Others than In and NotIn leave all: every node has the label. */
function byRequirement(
  { key = '', operator, values }: NodeSelectorRequirement,
  nodes: Architectures,
): Architectures {
  if (!architectureLabels.includes(key) || !Array.isArray(values)) return undefined;
  if (operator === 'In') return new Set(values);
  return operator === 'NotIn' ? nodes?.difference(new Set(values)) : undefined;
}
