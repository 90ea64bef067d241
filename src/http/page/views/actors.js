import { useAnswer } from '../live.js';
import { Empty } from '../parts/empty.js';
import { ErrorNote } from '../parts/error-note.js';
import { PageTitle } from '../parts/page-title.js';
import { StateBadge } from '../parts/state-badge.js';
import { TextFilter } from '../parts/text-filter.js';
import { TimeAgo } from '../parts/time-ago.js';
import { html, useState } from '../preact.js';
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

/** Every actor there is, in pages of 200. @param {import('../router.js').ViewProps} props */
export function ActorsView({ query, go }) {
  const [before, setBefore] = useState(/** @type {readonly (string | undefined)[]} */ ([]));
  const { value, error } = useAnswer(pathOf(query));
  const { value: machines } = useAnswer('/debug/machines', { everyMs: 0 });
  const change = (/** @type {Record<string, string>} */ next) => {
    setBefore([]);
    go(routeTo('actors', [], { ...query, after: '', ...next }), { replace: true });
  };
  const turn = (/** @type {string | undefined} */ after) =>
    go(routeTo('actors', [], { ...query, after }), { replace: true });
  return html`
    <section class="view" data-view="actors" aria-labelledby="actors-title">
      <${PageTitle}
        id="actors-title"
        title="Actors"
        lead="Each registry, mirror target, tracked image and copy is an actor; this is where each of them stands."
      />
      <${Filters} ...${{ query, change, machines: machines?.machines ?? [] }} />
      <${ErrorNote} error=${error} />
      <${ActorTable} page=${value} />
      <${Pager}
        ...${{ value, isFirst: (query['after'] ?? '') === '' }}
        onNext=${() => {
          setBefore([...before, query['after']]);
          turn(value?.next);
        }}
        onPrevious=${() => {
          setBefore(before.slice(0, -1));
          turn(before.at(-1));
        }}
      />
    </section>
  `;
}

/** @type {(query: Readonly<Record<string, string>>) => string} */
function pathOf({ type = '', state = '', q = '', after = '' }) {
  const search = new URLSearchParams({ type, state, q, cursor: after });
  for (const [name, value] of [...search]) if (value === '') search.delete(name);
  return `/debug/actors?${search}`;
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

/** @param {{ page: { actors: readonly ActorRow[], total: number } | null }} props */
function ActorTable({ page }) {
  if (page === null) return html`<div class="card" aria-busy="true"></div>`;
  if (page.actors.length === 0) {
    return html`<div class="card"><${Empty} title="No actor is like that">Search for less, or in another state.</${Empty}></div>`;
  }
  return html`
    <div class="card scroll">
      <table class="actors">
        <caption class="unseen">Actors with their states</caption>
        <thead><tr><th scope="col">Actor</th><th scope="col">State</th><th scope="col">Since</th></tr></thead>
        <tbody>
          ${page.actors.map(
            ({ id, state, since }) => html`<tr key=${id}>
              <th scope="row"><a class="mono" href=${routeTo('actors', [id])}>${id}</a></th>
              <td><${StateBadge} state=${state} /></td>
              <td class="quiet"><${TimeAgo} at=${since} /></td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  `;
}

/**
 * @param {{
 *   value: { actors: readonly ActorRow[], total: number, next: string | null } | null,
 *   isFirst: boolean,
 *   onNext: () => void,
 *   onPrevious: () => void,
 * }} props
 */
function Pager({ value, isFirst, onNext, onPrevious }) {
  if (value === null) return null;
  const { actors, total, next } = value;
  return html`
    <div class="toolbar pager">
      <span role="status">${actors.length.toLocaleString('en')} of ${total.toLocaleString('en')} actors</span>
      <button type="button" disabled=${isFirst} onClick=${onPrevious}>Previous page</button>
      <button type="button" disabled=${next === null} onClick=${onNext}>Next page</button>
    </div>
  `;
}
