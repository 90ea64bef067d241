import { useAnswer } from '../live.js';
import { Empty } from '../parts/empty.js';
import { LongTable } from '../parts/long-table.js';
import { PageTitle } from '../parts/page-title.js';
import { StateBadge } from '../parts/state-badge.js';
import { TextFilter } from '../parts/text-filter.js';
import { TimeAgo } from '../parts/time-ago.js';
import { html } from '../preact.js';
import { routeTo } from '../router.js';

/** Actors that are no machine, by the first part of their ids. */
const otherTypes = [
  'kuik',
  'reflector',
  'registries',
  'tracked-images',
  'mirror-sets',
  'mirror-targets',
];
/** States that somebody looks for; any other can be typed. */
const usualStates = [
  'Available',
  'BackingOff',
  'Broken',
  'Checking',
  'Closed',
  'Copying',
  'Expired',
  'Failed',
  'NotFound',
  'Open',
  'Scheduled',
  'Suspect',
  'Throttled',
  'Unused',
];

/**
 * @typedef {object} ActorRow
 * @property {string} id
 * @property {string} type
 * @property {readonly string[]} state
 * @property {string} since
 */

/** Every actor there is, as one list. @param {import('../router.js').ViewProps} props */
export function ActorsView({ query, go }) {
  const { value: machines } = useAnswer('/debug/machines', { everyMs: 0 });
  const change = (/** @type {Record<string, string>} */ next) =>
    go(routeTo('actors', [], { ...query, ...next }), { replace: true });
  return html`
    <section class="view" data-view="actors" aria-labelledby="actors-title">
      <${PageTitle}
        id="actors-title"
        title="Actors"
        lead="Each registry, mirror target, tracked image and copy is an actor; this is where each of them stands."
      />
      <${Filters} ...${{ query, change, machines: machines?.machines ?? [] }} />
      <${LongTable}
        path=${pathOf(query)}
        rowsOf=${rowsOf}
        caption="Actors with their states"
        noun=${noun}
        name="actors"
        columns=${columns}
        cells=${cells}
        empty=${html`<${Empty} title="No actor is like that">Search for less, or in another state.<//>`}
      />
    </section>
  `;
}

const noun = { one: 'actor', many: 'actors' };
const columns = ['Actor', 'State', 'Since'];

/** @type {(page: { actors: readonly ActorRow[] }) => readonly ActorRow[]} */
const rowsOf = ({ actors }) => actors;

/** @type {(actor: ActorRow) => unknown} */
function cells({ id, state, since }) {
  return html`
    <th scope="row"><a class="mono" href=${routeTo('actors', [id])}>${id}</a></th>
    <td><${StateBadge} state=${state} /></td>
    <td class="quiet"><${TimeAgo} at=${since} suffix="" /></td>
  `;
}

/** @type {(query: Readonly<Record<string, string>>) => string} */
function pathOf({ type = '', state = '', q = '' }) {
  return `/debug/actors?${new URLSearchParams({ type, state, q })}`;
}

/**
 * @param {{
 *   query: Readonly<Record<string, string>>,
 *   change: (next: Record<string, string>) => void,
 *   machines: readonly { id: string }[],
 * }} props
 */
function Filters({ query, change, machines }) {
  const { type = '', state = '', q = '' } = query;
  const types = [...new Set([...machines.map(({ id }) => id), ...otherTypes, type])]
    .filter(Boolean)
    .sort();
  return html`
    <div class="toolbar" role="search">
      <${TextFilter} label="Part of an actor's id" placeholder="Search by id" value=${q} onChange=${(/** @type {string} */ text) => change({ q: text })} />
      <select aria-label="Type" value=${type} onChange=${(/** @type {Event} */ event) => change({ type: textOf(event) })}>
        <option value="">All types</option>
        ${types.map((one) => html`<option value=${one}>${one}</option>`)}
      </select>
      <input
        aria-label="State"
        placeholder="Any state"
        list="actor-states"
        value=${state}
        onChange=${(/** @type {Event} */ event) => change({ state: textOf(event) })}
      />
      <datalist id="actor-states">${usualStates.map((one) => html`<option value=${one}></option>`)}</datalist>
    </div>
  `;
}

/** @type {(event: Event) => string} */
function textOf(event) {
  return /** @type {HTMLInputElement} */ (event.currentTarget).value.trim();
}
