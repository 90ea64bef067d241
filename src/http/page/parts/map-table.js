import { html } from '../preact.js';
import { StateBadge } from './state-badge.js';
import { TimeAgo } from './time-ago.js';

/**
 * The map as a table: the same, for whoever cannot see it or looks for a name.
 *
 * @param {{
 *   map: Pick<import('../answers.js').RegistryMap, 'nodes' | 'edges'>,
 *   linkOf: (host: string) => string,
 * }} props
 */
export function MapTable({ map: { nodes, edges }, linkOf }) {
  return html`
    <section class="card" aria-labelledby="map-table-title" data-part="map-table">
      <div class="card-head"><h2 id="map-table-title">As a table</h2></div>
      <div class="scroll" tabindex="0" role="region" aria-label="Table of the map">
        <table>
          <caption class="unseen">Registries, and which stand in for each other</caption>
          <thead>
            <tr>
              <th scope="col">Registry</th>
              <th scope="col">Circuit</th>
              <th scope="col" class="number">Pods</th>
              <th scope="col">Is</th>
              <th scope="col">Joined to</th>
            </tr>
          </thead>
          <tbody>
            ${nodes.map(
              ({ host, circuit, since, pods, roles }) => html`
                <tr key=${host}>
                  <th scope="row"><a href=${linkOf(host)}>${host}</a></th>
                  <td>
                    <${StateBadge} state=${circuit} />
                    ${since !== null && html`<p class="cell-note">for <${TimeAgo} at=${since} suffix="" /></p>`}
                  </td>
                  <td class="number">${pods.toLocaleString('en')}</td>
                  <td>${roles.map((role) => roleNames[role]).join(', ')}</td>
                  <td><${Neighbours} host=${host} edges=${edges} /></td>
                </tr>
              `,
            )}
          </tbody>
        </table>
      </div>
    </section>
  `;
}

const roleNames = { origin: 'run from', upstream: 'named by a set', mirror: 'a mirror' };

/**
 * Those that a registry is joined to, and by what.
 *
 * @param {{ host: string, edges: readonly import('../answers.js').MapEdge[] }} props
 */
export function Neighbours({ host, edges }) {
  const near = edges.filter(({ from, to }) => from === host || to === host);
  if (near.length === 0) return html`<span class="quiet">nothing stands in for it</span>`;
  return html`<ul class="neighbours">
    ${near.map(
      ({ from, to, by }) => html`<li>
        ${from === host ? to : from}
        <span class="quiet"> by ${by.map(nameOf).join(', ')}</span>
      </li>`,
    )}
  </ul>`;
}

/** @type {(resource: import('../answers.js').MapEdge['by'][number]) => string} */
function nameOf({ kind, namespace, name }) {
  return [kind, namespace, name].filter((part) => part !== undefined).join('/');
}
