import { useAnswer } from '../live.js';
import { Empty } from '../parts/empty.js';
import { ErrorNote } from '../parts/error-note.js';
import { MachineDrawing } from '../parts/machine-drawing.js';
import { PageTitle } from '../parts/page-title.js';
import { StateBadge } from '../parts/state-badge.js';
import { TimeAgo } from '../parts/time-ago.js';
import { html, useState } from '../preact.js';
import { routeTo } from '../router.js';

/** One actor is looked at closely: it is asked for twice as often as others. */
const everyMs = 1_000;
/** More children are found by their type. */
const childrenShown = 200;

/**
 * @typedef {object} Transition
 * @property {string} at
 * @property {string} event
 * @property {string} eventName
 * @property {readonly string[]} from
 * @property {readonly string[]} to
 */

/**
 * @typedef {object} Actor
 * @property {string} id
 * @property {string} type
 * @property {readonly string[]} state
 * @property {string} since
 * @property {unknown} context
 * @property {readonly Transition[]} transitions Newest last.
 * @property {readonly string[]} children
 * @property {number} childrenTotal
 */

/** One actor: where it stands, how it came there, what it knows. @param {import('../router.js').ViewProps} props */
export function ActorView({ path }) {
  const id = path.join('/');
  const { value, error } = useAnswer(`/debug/actors/${encodeURIComponent(id)}`, { everyMs });
  const actor = /** @type {Actor | null} */ (value);
  return html`
    <section class="view" data-view="actor" aria-labelledby="actor-title">
      <${PageTitle} id="actor-title" title=${html`<span class="mono">${id}</span>`} lead=${actor && html`<${Lead} actor=${actor} />`} />
      <${ErrorNote} error=${error} />
      ${actor && html`<${Details} key=${id} actor=${actor} />`}
    </section>
  `;
}

/** @param {{ actor: Actor }} props */
function Lead({ actor: { state, since, type } }) {
  return html`<${StateBadge} state=${state} /> for <${TimeAgo} at=${since} suffix="" /> ·${' '}
    <a href=${routeTo('actors', [], { type })}>all of type ${type}</a>`;
}

/** @param {{ actor: Actor }} props */
function Details({ actor }) {
  const { value } = useAnswer('/debug/machines', { everyMs: 0 });
  /** @type {readonly { id: string }[]} */
  const machines = value?.machines ?? [];
  const isMachine = machines.some(({ id }) => id === actor.type);
  const [at, setAt] = useState(/** @type {string | null} */ (null));
  const index = at === null ? -1 : actor.transitions.findIndex((one) => keyOf(one) === at);
  const step = index < 0 ? undefined : actor.transitions[index];
  const goTo = (/** @type {number} */ next) => {
    const chosen = actor.transitions[next];
    setAt(chosen === undefined ? null : keyOf(chosen));
  };
  return html`
    ${
      isMachine &&
      html`<section class="card" aria-labelledby="machine-title">
        <div class="card-head">
          <h2 id="machine-title">Machine <a href=${routeTo('machines', [actor.type], { actor: actor.id })}>${actor.type}</a></h2>
          <${Replay} ...${{ count: actor.transitions.length, index, goTo }} />
        </div>
        <div class="card-body">
          <p role="status">${step === undefined ? 'As it is now.' : html`${index + 1} of ${actor.transitions.length}: <${Sentence} transition=${step} />`}</p>
          <${MachineDrawing} id=${actor.type} states=${step?.to ?? actor.state} step=${step ?? actor.transitions.at(-1)} />
        </div>
      </section>`
    }
    <${Transitions} transitions=${actor.transitions} chosen=${at} />
    <${Context} context=${actor.context} />
    <${Children} actor=${actor} />
  `;
}

/** @type {(transition: Transition) => string} */
function keyOf({ at, event, to }) {
  return `${at} ${event} ${to.join()}`;
}

/** @param {{ count: number, index: number, goTo: (index: number) => void }} props */
function Replay({ count, index, goTo }) {
  const isNow = index < 0;
  const before = isNow ? count - 1 : index - 1;
  return html`
    <div class="toolbar" role="group" aria-label="Replay of the last transitions">
      <button type="button" disabled=${before < 0} onClick=${() => goTo(before)}>Step back</button>
      <button type="button" disabled=${isNow} onClick=${() => goTo(index + 1)}>Step forward</button>
      <button type="button" disabled=${isNow} onClick=${() => goTo(count)}>Now</button>
    </div>
  `;
}

/** @param {{ transition: Transition }} props */
function Sentence({ transition: { eventName, from, to, at } }) {
  const left = from.filter((state) => !to.includes(state));
  const entered = to.filter((state) => !from.includes(state));
  return html`<strong>${eventName}</strong>: ${left.join(', ') || 'its start'} → ${entered.join(', ')}, <${TimeAgo} at=${at} />`;
}

/** @param {{ transitions: readonly Transition[], chosen: string | null }} props */
function Transitions({ transitions, chosen }) {
  return html`
    <section class="card" aria-labelledby="transitions-title">
      <div class="card-head"><h2 id="transitions-title">Last transitions</h2></div>
      ${
        transitions.length === 0
          ? html`<${Empty} title="None is remembered" />`
          : html`<div class="scroll"><table>
              <caption class="unseen">Transitions, newest first</caption>
              <thead><tr><th scope="col">When</th><th scope="col">Event</th><th scope="col">From</th><th scope="col">To</th></tr></thead>
              <tbody>
                ${transitions.toReversed().map(
                  (one) => html`<tr aria-current=${keyOf(one) === chosen ? 'step' : undefined}>
                    <td class="quiet"><${TimeAgo} at=${one.at} /></td>
                    <td class="mono" title=${one.event}>${one.eventName}</td>
                    <td><${StateBadge} state=${one.from} /></td>
                    <td><${StateBadge} state=${one.to} /></td>
                  </tr>`,
                )}
              </tbody>
            </table></div>`
      }
    </section>
  `;
}

/** @param {{ context: unknown }} props */
function Context({ context }) {
  return html`
    <section class="card" aria-labelledby="context-title">
      <div class="card-head"><h2 id="context-title">Context</h2><span class="quiet">What it remembers; never a secret</span></div>
      <pre class="card-body mono context" tabindex="0" aria-labelledby="context-title">${JSON.stringify(context, null, 2)}</pre>
    </section>
  `;
}

/** @param {{ actor: Actor }} props */
function Children({ actor: { children, childrenTotal } }) {
  if (childrenTotal === 0) return null;
  const shown = children.slice(0, childrenShown);
  return html`
    <section class="card" aria-labelledby="children-title">
      <div class="card-head"><h2 id="children-title">Children</h2><span class="quiet">${shown.length} of ${childrenTotal}</span></div>
      <ul class="card-body children">
        ${shown.map((id) => html`<li key=${id}><a class="mono" href=${routeTo('actors', [id])}>${id}</a></li>`)}
      </ul>
    </section>
  `;
}
