import { useAnswer } from '../live.js';
import { ErrorNote } from '../parts/error-note.js';
import { MachineDrawing } from '../parts/machine-drawing.js';
import { PageTitle } from '../parts/page-title.js';
import { StateBadge } from '../parts/state-badge.js';
import { html } from '../preact.js';
import { routeTo } from '../router.js';

/**
 * @typedef {object} StateDefinition
 * @property {string} [description]
 * @property {Readonly<Record<string, StateDefinition>>} [states]
 */

/** All machines, or one of them with an actor's state lit. @param {import('../router.js').ViewProps} props */
export function MachinesView({ path, query }) {
  const [id] = path;
  return id === undefined || id === ''
    ? html`<${AllMachines} />`
    : html`<${OneMachine} key=${id} id=${id} actor=${query['actor']} />`;
}

function AllMachines() {
  const { value, error } = useAnswer('/debug/machines', { everyMs: 0 });
  /** @type {readonly { id: string, description: string }[]} */
  const machines = value?.machines ?? [];
  return html`
    <section class="view" data-view="machines" aria-labelledby="machines-title">
      <${PageTitle} id="machines-title" title="Machines" lead="What an actor can be, and what leads from one state to another." />
      <${ErrorNote} error=${error} />
      <ul class="cards">
        ${machines.map(
          (one) => html`<li class="card machine-card" key=${one.id}>
            <a class="machine-link" href=${routeTo('machines', [one.id])} tabindex="-1" aria-hidden="true">
              <${MachineDrawing} id=${one.id} isStill />
            </a>
            <div class="card-body">
              <h2><a href=${routeTo('machines', [one.id])}>${one.id}</a></h2>
              <p class="quiet">${one.description}</p>
              <p><a href=${routeTo('actors', [], { type: one.id })}>Actors of this machine</a></p>
            </div>
          </li>`,
        )}
      </ul>
    </section>
  `;
}

/** @param {{ id: string, actor: string | undefined }} props */
function OneMachine({ id, actor }) {
  const { value, error } = useAnswer(`/debug/machines/${encodeURIComponent(id)}`, { everyMs: 0 });
  const { value: lit } = useAnswer(actor ? `/debug/actors/${encodeURIComponent(actor)}` : null, {
    everyMs: 1_000,
  });
  const download = `./machines/${encodeURIComponent(id)}?format=studio`;
  return html`
    <section class="view" data-view="machines" aria-labelledby="machine-title">
      <${PageTitle} id="machine-title" title=${id} lead=${value?.description}>
        <a class="button" href=${download} download=${`${id}.json`}>JSON for Stately Studio</a>
      </${PageTitle}>
      <${ErrorNote} error=${error} />
      ${actor && html`<p>Lit: <a class="mono" href=${routeTo('actors', [actor])}>${actor}</a> ${lit && html`<${StateBadge} state=${lit.state} />`}</p>`}
      <div class="card card-body">
        <${MachineDrawing} id=${id} states=${lit?.state ?? []} step=${lit?.transitions.at(-1)} />
      </div>
      <${States} definition=${value?.definition} />
    </section>
  `;
}

/** @param {{ definition: StateDefinition | undefined }} props */
function States({ definition }) {
  const rows = definition === undefined ? [] : listStates(definition, []);
  if (rows.length === 0) return null;
  return html`
    <section class="card" aria-labelledby="states-title">
      <div class="card-head"><h2 id="states-title">States</h2></div>
      <div class="scroll"><table>
        <caption class="unseen">States and what they are</caption>
        <thead><tr><th scope="col">State</th><th scope="col">What it is</th></tr></thead>
        <tbody>${rows.map(
          ([name, description]) =>
            html`<tr key=${name}><th scope="row" class="mono">${name}</th><td>${description}</td></tr>`,
        )}</tbody>
      </table></div>
    </section>
  `;
}

/** @type {(node: StateDefinition, path: readonly string[]) => readonly (readonly [string, string])[]} */
function listStates({ states = {} }, path) {
  return Object.entries(states).flatMap(([key, node]) => {
    const here = [...path, key];
    return [
      /** @type {const} */ ([here.join('.'), node.description ?? '']),
      ...listStates(node, here),
    ];
  });
}
