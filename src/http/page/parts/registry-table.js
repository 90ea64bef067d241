import { count } from '../format.js';
import { html } from '../preact.js';
import { routeTo } from '../router.js';
import { Empty } from './empty.js';
import { LatencyChart } from './latency-chart.js';
import { useMore } from './more.js';
import { StateBadge } from './state-badge.js';
import { TimeAgo } from './time-ago.js';

const first = 12;

/**
 * The registries that are known, the worst first.
 *
 * @param {{ registries: readonly import('../answers.js').RegistryView[], total: number }} props
 */
export function RegistryTable({ registries, total }) {
  const { shown, button } = useMore(registries, first);
  return html`
    <section class="card" aria-labelledby="registries-title" data-part="registries">
      <div class="card-head">
        <h2 id="registries-title">Registries</h2>
        <span class="quiet">
          ${total > registries.length ? `${registries.length} of ${total.toLocaleString('en')}` : total}
          ${' '}· <a href="#/map">on the map</a>
        </span>
      </div>
      ${
        shown.length === 0
          ? html`<${Empty} title="No registry is listed" />`
          : html`<div class="scroll" tabindex="0" role="region" aria-label="Table of registries">
            <table class="registries">
              <caption class="unseen">Registries, the worst first, as this replica knows them</caption>
              <thead>
                <tr>
                  <th scope="col">Registry</th>
                  <th scope="col">Circuit</th>
                  <th scope="col" class="number">Pods</th>
                  <th scope="col">Quota</th>
                  <th scope="col">Checks</th>
                  <th scope="col">Answers in the last hour</th>
                </tr>
              </thead>
              <tbody>${shown.map((registry) => html`<${Row} key=${registry.host} registry=${registry} />`)}</tbody>
            </table>
          </div>`
      }
      ${button}
    </section>
  `;
}

/** @param {{ registry: import('../answers.js').RegistryView }} props */
function Row({ registry: { host, circuit, since, trouble, quota, pace, pods, latency } }) {
  return html`
    <tr data-registry=${host}>
      <th scope="row">
        <a href=${routeTo('actors', [`registry:${host}`])}>${host}</a>
        ${trouble !== null && circuit !== 'Closed' && html`<p class="cell-note">${trouble}</p>`}
      </th>
      <td>
        <${StateBadge} state=${circuit} />
        ${since !== null && html`<p class="cell-note">for <${TimeAgo} at=${since} suffix="" /></p>`}
      </td>
      <td class="number">
        ${
          pods === 0
            ? html`<span class="quiet">0</span>`
            : html`<a href=${routeTo('pods', [], { registry: host })} aria-label=${`${count(pods, 'Pod')} from ${host}`}>
              ${pods.toLocaleString('en')}</a>`
        }
      </td>
      <td>
        <${StateBadge} state=${quota.state} />
        ${quota.retryAt !== undefined && html`<p class="cell-note">until ${new Date(quota.retryAt).toLocaleTimeString()}</p>`}
      </td>
      <td>${pace === null ? html`<span class="quiet" title="The leader checks.">–</span>` : html`<${StateBadge} state=${pace} />`}</td>
      <td><${LatencyChart} latency=${latency} /></td>
    </tr>
  `;
}
