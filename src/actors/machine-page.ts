import type { AnyStateMachine } from 'xstate';
import { drawMachine, listStates } from './machine-view.ts';

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
