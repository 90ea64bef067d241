import { count, matcher } from '../format.js';
import { useAnswer } from '../live.js';
import { Empty } from '../parts/empty.js';
import { ErrorNote } from '../parts/error-note.js';
import { MapTable } from '../parts/map-table.js';
import { PageTitle } from '../parts/page-title.js';
import { RegistryDetail } from '../parts/registry-detail.js';
import { RegistryMap } from '../parts/registry-map.js';
import { StateBadge } from '../parts/state-badge.js';
import { TextFilter } from '../parts/text-filter.js';
import { html } from '../preact.js';
import { routeTo } from '../router.js';

/**
 * Registries joined by the sets and mirrors that make them stand in for each other.
 *
 * @param {import('../router.js').ViewProps} props
 */
export function MapView({ query, go }) {
  /** @type {import('../live.js').Answer<import('../answers.js').RegistryMap>} */
  const { value, error } = useAnswer('/debug/map');
  const filter = query.q ?? '';
  const { registry: selected = '' } = query;
  /** @type {(q: string) => void} */
  const search = (q) => go(routeTo('map', [], { ...query, q }), { replace: true });
  return html`
    <section class="view" data-view="map" aria-labelledby="map-title">
      <${PageTitle}
        id="map-title"
        title="Map"
        lead="Registries, and which stand in for each other. A node leads to what is known of it."
      >
        <${TextFilter} label="Filter registries by name" value=${filter} onChange=${search} />
      <//>
      <${ErrorNote} error=${error} known=${value !== null} />
      ${value && html`<${Content} ...${{ value, filter, selected, query }} />`}
    </section>
  `;
}

/**
 * @param {{
 *   value: import('../answers.js').RegistryMap,
 *   filter: string,
 *   selected: string,
 *   query: Readonly<Record<string, string>>,
 * }} props
 */
function Content({ value, filter, selected, query }) {
  const map = filtered(value, filter);
  if (value.nodes.length === 0) {
    return html`<div class="card"><${Empty} title="There is nothing on the map yet">
      Registries that Pods run from, and those that sets and mirrors name, are drawn here.
    <//></div>`;
  }
  const node = value.nodes.find(({ host }) => host === selected);
  const linkOf = (/** @type {string} */ host) =>
    routeTo('map', [], { ...query, registry: host === selected ? '' : host });
  return html`
    <div class="card" data-part="map">
      <${RegistryMap} map=${map} label="Map of registries" selected=${selected} linkOf=${linkOf} />
      <${Legend} />
      ${
        value.nodesTotal > value.nodes.length &&
        html`<p class="card-body quiet">Drawn are ${value.nodes.length} of ${count(value.nodesTotal, 'registry', 'registries')}: those with the most Pods.</p>`
      }
    </div>
    ${node !== undefined && html`<${RegistryDetail} key=${node.host} node=${node} edges=${value.edges} />`}
    <${MapTable} map=${map} linkOf=${linkOf} />
  `;
}

/** @type {(map: import('../answers.js').RegistryMap, filter: string) => Pick<import('../answers.js').RegistryMap, 'nodes' | 'edges'>} */
function filtered(map, filter) {
  if (filter === '') return map;
  const matches = matcher(filter);
  const near = new Set(map.nodes.map(({ host }) => host).filter(matches));
  // Whoever looks for one wants to see what stands in for it.
  const edges = map.edges.filter(({ from, to }) => near.has(from) || near.has(to));
  const hosts = new Set([...near, ...edges.flatMap(({ from, to }) => [from, to])]);
  return { nodes: map.nodes.filter(({ host }) => hosts.has(host)), edges };
}

function Legend() {
  return html`
    <div class="legend">
      ${['Closed', 'Suspect', 'HalfOpen', 'Open'].map((state) => html`<${StateBadge} state=${state} />`)}
      <span class="legend-line"><svg viewBox="0 0 34 8" aria-hidden="true"><path class="map-line" data-mirror="false" d="M0 4H34" /></svg>a set names both</span>
      <span class="legend-line"><svg viewBox="0 0 34 8" aria-hidden="true"><path class="map-line" data-mirror="true" d="M0 4H34" /></svg>a mirror has copies</span>
      <span class="legend-line"><svg viewBox="0 0 34 8" aria-hidden="true"><rect class="map-pods" width="34" height="3" y="2.5" rx="1.5" /></svg>Pods that run from it</span>
    </div>
  `;
}
