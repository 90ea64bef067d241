import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { anyState, drawMachine, listEdges, listNodes } from '#actors/machine-view.ts';

/** The page `docs/machines/<id>.md` of a machine: what it is, its diagram, its states. */
export function renderMachinePage(machine: AnyStateMachine): string {
  const { id, description, diagram } = drawMachine(machine);
  const rows = listStates(machine).map(({ state, description: text, transitions }) =>
    [`\`${state}\``, text, transitions.join('<br>')].map((cell) => ` ${cell} `).join('|'),
  );
  return [
    `# ${id}`,
    '',
    description,
    '',
    `Drawn from [\`src/machines/${id}.ts\`](../../src/machines/${id}.ts) by`,
    '`node scripts/render-machines.ts`; not edited by hand.',
    '',
    '```mermaid',
    diagram,
    '```',
    '',
    '| state | what it is | what leads out of it |',
    '| --- | --- | --- |',
    ...rows.map((row) => `|${row}|`),
    '',
  ].join('\n');
}

/** One row of a machine's state table. */
export interface StateRow {
  /** Path from the root, `Known.reachability.Closed`. */
  readonly state: string;
  readonly description: string;
  /** What leads out of it: `event → target`. */
  readonly transitions: readonly string[];
}

/** The states of a machine in the order they are written, with what leads out of them. */
export function listStates(machine: AnyStateMachine): readonly StateRow[] {
  const rows = listNodes(machine.root).map((node) => ({
    state: node.path.join('.'),
    description: node.description ?? '',
    transitions: describeEdges(node),
  }));
  const transitions = describeEdges(machine.root);
  return transitions.length === 0 ? rows : [{ ...anyState, transitions }, ...rows];
}

function describeEdges(node: AnyStateNode): readonly string[] {
  return listEdges(node).map(({ label, target }) => `${label} → ${target.path.join('.')}`);
}
