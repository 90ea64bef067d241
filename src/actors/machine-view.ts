import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import type { MachineView, MachineViews } from '#core/machine-view.ts';

/** Makes the views; each is drawn when it is asked for. */
export function createMachineViews(machines: readonly AnyStateMachine[]): MachineViews {
  const byId = new Map(machines.map((machine) => [machine.id, machine]));
  return {
    list: () => machines.map((machine) => ({ id: machine.id, description: describe(machine) })),
    get: (id) => {
      const machine = byId.get(id);
      return machine && drawMachine(machine);
    },
  };
}

/** Draws one machine. */
export function drawMachine(machine: AnyStateMachine): MachineView {
  return {
    id: machine.id,
    description: describe(machine),
    // What JSON can't hold (actions as functions) is left out.
    definition: JSON.parse(JSON.stringify(machine.definition)),
    studio: plain(machine.config),
    diagram: drawDiagram(machine.root),
  };
}

/** Without functions, which stand for what happens and not for what states there are. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain).filter((one) => one !== undefined);
  if (typeof value === 'function') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, one]) => [name, plain(one)] as const);
  return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
}

/** What leads out of the machine as a whole: from every state that does not say otherwise. */
export const anyState = {
  state: 'Any',
  description: 'Every state that says nothing else of these events.',
};

/** One arrow of the chart. */
export interface Edge {
  readonly source: AnyStateNode;
  readonly target: AnyStateNode;
  readonly label: string;
}

function describe(machine: AnyStateMachine): string {
  return machine.root.description ?? '';
}

function drawDiagram(root: AnyStateNode): string {
  // All edges at the end: Mermaid draws one that crosses the border of a state only there.
  const edges = [root, ...listNodes(root)].flatMap(listEdges).map(drawEdge);
  return ['stateDiagram-v2', ...drawChildren(root, '  '), ...edges].join('\n');
}

function drawChildren(node: AnyStateNode, indent: string): readonly string[] {
  const isParallel = node.type === 'parallel';
  const first = isParallel ? undefined : node.initial.target[0];
  // After the states: what is named before it is declared goes by its id.
  const start = first === undefined ? [] : [`${indent}[*] --> ${nameNode(first)}`];
  // After a divider of the whole diagram the edges would count as a part of its last region.
  const isDivided = isParallel && node.parent !== undefined;
  const children = childrenOf(node).flatMap((child, index) => [
    ...(isDivided && index > 0 ? [`${indent}--`] : []),
    ...drawNode(child, indent),
  ]);
  const leaves = listEdges(node).length > 0;
  const any = leaves ? [`${indent}state "any state" as ${nameSource(node)}`] : [];
  return [...any, ...children, ...start];
}

function drawNode(node: AnyStateNode, indent: string): readonly string[] {
  const name = nameNode(node);
  const end = node.type === 'final' ? [`${indent}${name} --> [*]`] : [];
  if (childrenOf(node).length === 0) return [`${indent}state "${node.key}" as ${name}`, ...end];
  return [
    `${indent}state "${node.key}" as ${name} {`,
    ...drawChildren(node, `${indent}  `),
    `${indent}}`,
    ...end,
  ];
}

function drawEdge({ source, target, label }: Edge): string {
  return `  ${nameSource(source)} --> ${nameNode(target)}: ${label}`;
}

function childrenOf(node: AnyStateNode): readonly AnyStateNode[] {
  return Object.values(node.states);
}

/** The states below one, in the order they are written. */
export function listNodes(node: AnyStateNode): readonly AnyStateNode[] {
  return childrenOf(node).flatMap((child) => [child, ...listNodes(child)]);
}

/** What leads out of a state; an event that only changes the context leads nowhere. */
export function listEdges(node: AnyStateNode): readonly Edge[] {
  const transitions = [...(node.always ?? []), ...[...node.transitions.values()].flat()];
  return transitions.flatMap((transition) =>
    (transition.target ?? []).map((target) => ({
      source: node,
      target,
      label: nameTransition(node, transition),
    })),
  );
}

/** Mermaid's ids take neither dots nor dashes. */
function nameNode({ path }: AnyStateNode): string {
  return path.join('_').replace(/\W/g, '_');
}

/** What leads out of a state with others in it leads out of whichever of them is active. */
function nameSource(node: AnyStateNode): string {
  if (childrenOf(node).length === 0) return nameNode(node);
  return [...node.path, anyState.state].join('_').replace(/\W/g, '_');
}

/** What a person reads: the effect that ended, the time that passed, the event; and the guard. */
function nameTransition(node: AnyStateNode, transition: AnyTransitionDefinition): string {
  const { guard } = transition;
  const name = typeof guard === 'object' && 'type' in guard ? guard.type : guard;
  const guarded = typeof name === 'string' ? ` [${name}]` : '';
  return `${nameEvent(node, transition.eventType)}${guarded}`;
}

function nameEvent(node: AnyStateNode, eventType: string): string {
  const [, way, invokeId] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(eventType) ?? [];
  if (way !== undefined) {
    const effect = node.invoke.find(({ id }) => id === invokeId)?.src ?? invokeId;
    return `${effect} ${way === 'done' ? 'ended' : 'threw'}`;
  }
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(eventType) ?? [];
  if (delay !== undefined) return `after ${delay}`;
  return eventType === '' ? 'at once' : eventType;
}
