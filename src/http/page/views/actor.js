import { useAnswer } from '../live.js';
import { ActorMachine } from '../parts/actor-machine.js';
import { Empty } from '../parts/empty.js';
import { ErrorNote } from '../parts/error-note.js';
import { PageTitle } from '../parts/page-title.js';
import { StateBadge } from '../parts/state-badge.js';
import { TimeAgo } from '../parts/time-ago.js';
import { html } from '../preact.js';
import { useReplay } from '../replay.js';
import { routeTo } from '../router.js';

/** One actor is looked at closely: it is asked for twice as often as others. */
const everyMs = 1_000;
/** More children are found by their type. */
const childrenShown = 200;

/**
 * @typedef {import('../parts/actor-machine.js').Transition} Transition
 * @typedef {import('../parts/actor-machine.js').Actor} Actor
 */

/** One actor: where it stands, how it came there, what it knows. @param {import('../router.js').ViewProps} props */
export function ActorView({ path }) {
  const id = path.join('/');
  const { value, error } = useAnswer(`/debug/actors/${encodeURIComponent(id)}`, { everyMs });
  const actor = /** @type {Actor | null} */ (value);
  return html`
    <section class="view" data-view="actor" aria-labelledby="actor-title">
      <${PageTitle} id="actor-title" title=${html`<span class="mono">${id}</span>`} lead=${actor && html`<${Lead} actor=${actor} />`} />
      <${ErrorNote} error=${error} known=${actor !== null} />
      ${actor && html`<${Details} key=${id} actor=${actor} />`}
    </section>
  `;
}

/** @param {{ actor: Actor }} props */
function Lead({ actor: { state, since, type } }) {
  return html`<span class="actor-lead"><${StateBadge} state=${state} />
    <span>for <${TimeAgo} at=${since} suffix="" /> · <a href=${routeTo('actors', [], { type })}>all of type ${type}</a></span></span>`;
}

/** @param {{ actor: Actor }} props */
function Details({ actor }) {
  const { value } = useAnswer('/debug/machines', { everyMs: 0 });
  /** @type {readonly { id: string }[]} */
  const machines = value?.machines ?? [];
  const isMachine = machines.some(({ id }) => id === actor.type);
  const replay = useReplay(actor.transitions);
  return html`
    ${
      isMachine &&
      html`<section class="card" aria-labelledby="machine-title">
      <${ActorMachine} actor=${actor} replay=${replay}>
        <h2 id="machine-title">Machine <a href=${routeTo('machines', [actor.type], { actor: actor.id })}>${actor.type}</a></h2>
      <//>
    </section>`
    }
    <${Transitions} transitions=${actor.transitions} replay=${replay} />
    <${Context} context=${actor.context} />
    <${Children} actor=${actor} />
  `;
}

/** @param {{ transitions: readonly Transition[], replay: import('../replay.js').Replay<Transition> }} props */
function Transitions({ transitions, replay }) {
  return html`
    <section class="card" aria-labelledby="transitions-title">
      <div class="card-head"><h2 id="transitions-title">Last transitions</h2><span class="quiet">An event shows where it led</span></div>
      ${
        transitions.length === 0
          ? html`<${Empty} title="None is remembered" />`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Table of transitions"><table class="transitions">
              <caption class="unseen">Transitions, newest first</caption>
              <thead><tr><th scope="col">When</th><th scope="col">Event</th><th scope="col">From</th><th scope="col">To</th></tr></thead>
              <tbody>
                ${transitions
                  .map((one, index) => ({ ...one, index }))
                  .toReversed()
                  .map(
                    ({
                      at,
                      event,
                      eventName,
                      from,
                      to,
                      index,
                    }) => html`<tr aria-current=${index === replay.index ? 'step' : undefined}>
                    <td class="quiet"><${TimeAgo} at=${at} /></td>
                    <td><button type="button" class="event" title=${event} onClick=${() => replay.goTo(index)}>${eventName}</button></td>
                    <td><${StateBadge} state=${from} /></td>
                    <td><${StateBadge} state=${to} /></td>
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
