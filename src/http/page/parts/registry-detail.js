import { count } from '../format.js';
import { useAnswer } from '../live.js';
import { html } from '../preact.js';
import { routeTo } from '../router.js';
import { Neighbours } from './map-table.js';
import { StateBadge } from './state-badge.js';
import { TimeAgo } from './time-ago.js';

const podsFirst = 8;

/**
 * One registry of the map: what stands in for it, and the Pods that run from it.
 *
 * @param {{
 *   node: import('../answers.js').MapNode,
 *   edges: readonly import('../answers.js').MapEdge[],
 * }} props
 */
export function RegistryDetail({ node: { host, circuit, since, pods }, edges }) {
  const path = `/debug/pods?registry=${encodeURIComponent(host)}&limit=${podsFirst}`;
  /** @type {import('../live.js').Answer<import('../answers.js').PodPage>} */
  const { value } = useAnswer(pods === 0 ? null : path, { everyMs: 5_000 });
  return html`
    <section class="card" aria-labelledby="registry-title" data-part="registry">
      <div class="card-head">
        <h2 id="registry-title">${host}</h2>
        <span class="toolbar">
          <${StateBadge} state=${circuit} />
          ${since !== null && html`<span class="quiet">for <${TimeAgo} at=${since} suffix="" /></span>`}
        </span>
      </div>
      <div class="card-body registry-detail">
        <div>
          <h3>Joined to</h3>
          <${Neighbours} host=${host} edges=${edges} />
        </div>
        <div>
          <h3>${count(pods, 'Pod runs', 'Pods run')} from it</h3>
          <ul class="neighbours">
            ${(value?.pods ?? []).map(
              ({ namespace, name }) => html`<li>
                <a class="plain" href=${routeTo('pods', [namespace, name])}>${namespace}/${name}</a>
              </li>`,
            )}
          </ul>
          ${pods > podsFirst && html`<p><a href=${routeTo('pods', [], { registry: host })}>All of them</a></p>`}
        </div>
        <p class="toolbar registry-links">
          <a class="button" href=${routeTo('what-if', [], { registry: host })}>What if it died now?</a>
          <a class="button" href=${routeTo('actors', [`registry:${host}`])}>Its actor</a>
        </p>
      </div>
    </section>
  `;
}
