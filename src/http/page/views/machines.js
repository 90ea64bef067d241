import { useAnswer } from '../live.js';
import { ActorMachine } from '../parts/actor-machine.js';
import { ErrorNote } from '../parts/error-note.js';
import { MachineDrawing } from '../parts/machine-drawing.js';
import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';
import { useReplay } from '../replay.js';
import { routeTo } from '../router.js';

/**
 * @typedef {object} StateDefinition
 * @property {string} [description]
 * @property {Readonly<Record<string, StateDefinition>>} [states]
 */

/** All machines, or one of them with an actor's state lit. @param {import('../router.js').ViewProps} props */
export function MachinesView({ path, query, go }) {
  const [id] = path;
  return id === undefined || id === ''
    ? html`<${AllMachines} />`
    : html`<${OneMachine} key=${id} id=${id} actor=${query['actor'] ?? ''} go=${go} />`;
}

function AllMachines() {
  const { value, error } = useAnswer('/debug/machines', { everyMs: 0 });
  /** @type {readonly { id: string, description: string }[]} */
  const machines = value?.machines ?? [];
  return html`
    <section class="view" data-view="machines" aria-labelledby="machines-title">
      <${PageTitle} id="machines-title" title="Machines" lead="What an actor can be, and what leads from one state to another." />
      <${ErrorNote} error=${error} known=${value !== null} />
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

/** @param {{ id: string, actor: string, go: import('../router.js').Go }} props */
function OneMachine({ id, actor, go }) {
  const { value, error } = useAnswer(`/debug/machines/${encodeURIComponent(id)}`, { everyMs: 0 });
  const lit = useAnswer(actor === '' ? null : `/debug/actors/${encodeURIComponent(actor)}`, {
    everyMs: 1_000,
  });
  const file = `./machines/${encodeURIComponent(id)}`;
  return html`
    <section class="view" data-view="machines" aria-labelledby="machine-title">
      <${PageTitle} id="machine-title" title=${id} lead=${value?.description}>
        <a class="button" href=${`${file}?format=svg`} download=${`${id}.svg`}>SVG</a>
        <a class="button" href=${`${file}?format=studio`} download=${`${id}.json`}>JSON for Stately Studio</a>
      <//>
      <${ErrorNote} error=${error} known=${value !== null} />
      <${ActorChoice} ...${{ id, actor }} onChoose=${(/** @type {string} */ next) =>
        go(routeTo('machines', [id], { actor: next }), { replace: true })} />
      ${actor !== '' && html`<${ErrorNote} error=${lit.error} known=${lit.value !== null} />`}
      ${
        lit.value === null
          ? html`<div class="card card-body"><${MachineDrawing} id=${id} /></div>`
          : html`<${Lit} key=${actor} actor=${lit.value} />`
      }
      <${States} definition=${value?.definition} />
    </section>
  `;
}

/** @param {{ actor: import('../parts/actor-machine.js').Actor }} props */
function Lit({ actor }) {
  const replay = useReplay(actor.transitions);
  return html`
    <section class="card" aria-labelledby="lit-title">
      <${ActorMachine} actor=${actor} replay=${replay}>
        <h2 id="lit-title"><a class="mono" href=${routeTo('actors', [actor.id])}>${actor.id}</a></h2>
      <//>
    </section>
  `;
}

/** @param {{ id: string, actor: string, onChoose: (actor: string) => void }} props */
function ActorChoice({ id, actor, onChoose }) {
  const { value } = useAnswer(`/debug/actors?type=${encodeURIComponent(id)}`, { everyMs: 0 });
  /** @type {readonly { id: string }[]} */
  const actors = value?.actors ?? [];
  if (actors.length === 0 && actor === '') return null;
  return html`
    <label class="field actor-choice">
      Light the state of an actor, and play its transitions again
      <input
        list="actors-of-machine"
        placeholder=${actors[0]?.id}
        value=${actor}
        spellcheck="false"
        onChange=${(/** @type {Event} */ event) =>
          onChoose(/** @type {HTMLInputElement} */ (event.currentTarget).value.trim())}
      />
      <datalist id="actors-of-machine">${actors.map((one) => html`<option value=${one.id}></option>`)}</datalist>
    </label>
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
