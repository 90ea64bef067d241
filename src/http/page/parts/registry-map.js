import { count } from '../format.js';
import { layoutMap, nodeHeight, nodeWidth } from '../map-layout.js';
import { html, useMemo } from '../preact.js';
import { shapeOf, toneOf } from './state-badge.js';

/** What fits into a node; longer names are written as narrow as they have to be. */
const hostCharactersMax = 24;
const hostWidth = nodeWidth - 36 - 12;

/**
 * @typedef {object} RegistryMapProps
 * @property {Pick<import('../answers.js').RegistryMap, 'nodes' | 'edges'>} map
 * @property {string} label
 * @property {ReadonlyMap<string, string>} [states] What else a registry is shown as: then, or supposedly.
 * @property {string} [selected] Its lines stand out.
 * @property {(host: string) => string} linkOf
 */

/**
 * Registries, and which stand in for each other: a drawing whose nodes are links. Each has its state
 * as text and as a shape beside its colour.
 *
 * @param {RegistryMapProps} props
 */
export function RegistryMap({ map, label, states, selected, linkOf }) {
  const { nodes, edges, width, height } = useLayout(map);
  const podsMax = Math.max(1, ...nodes.map(({ pods }) => pods));
  return html`
    <div class="map-frame" tabindex="0" role="region" aria-label=${label}>
      <svg class="map" viewBox=${`0 0 ${width} ${height}`} role="group" aria-label=${label}>
        <g aria-hidden="true">
          ${edges.map(
            (edge) => html`<path
              class="map-line"
              data-mirror=${String(edge.by.every(({ kind }) => kind.includes('Mirror')))}
              data-lit=${String(edge.from === selected || edge.to === selected)}
              d=${edge.path}
            />`,
          )}
        </g>
        ${nodes.map(
          (node) => html`<${Node}
            key=${node.host}
            node=${node}
            state=${states?.get(node.host) ?? node.circuit}
            share=${node.pods / podsMax}
            isSelected=${node.host === selected}
            href=${linkOf(node.host)}
          />`,
        )}
      </svg>
    </div>
  `;
}

/**
 * What an answer says changes every second; where its registries stand does not.
 *
 * @param {RegistryMapProps['map']} map
 */
function useLayout(map) {
  const shape = JSON.stringify([
    map.nodes.map(({ host, roles }) => [host, roles]),
    map.edges.map(({ from, to }) => [from, to]),
  ]);
  const layout = useMemo(() => layoutMap(map), [shape]);
  const now = new Map(map.nodes.map((node) => [node.host, node]));
  return {
    ...layout,
    nodes: layout.nodes.map((node) => ({ ...node, ...now.get(node.host) })),
  };
}

/**
 * @param {{
 *   node: import('../map-layout.js').PlacedNode,
 *   state: string,
 *   share: number,
 *   isSelected: boolean,
 *   href: string,
 * }} props
 */
function Node({ node: { host, pods, x, y }, state, share, isSelected, href }) {
  const tone = state === 'Off' ? 'bad' : toneOf(state);
  const isLong = host.length > hostCharactersMax;
  const runFrom = count(pods, 'Pod');
  return html`
    <a
      href=${href}
      class="map-node"
      data-tone=${tone}
      data-host=${host}
      data-state=${state}
      data-selected=${String(isSelected)}
      transform=${`translate(${x} ${y})`}
    >
      <rect class="map-box" width=${nodeWidth} height=${nodeHeight} rx="10" />
      <path class="map-shape" transform="translate(14 15)" fill-rule="evenodd" d=${shapeOf(tone)} />
      <text
        class="map-host"
        x="36"
        y="26"
        textLength=${isLong ? hostWidth : undefined}
        lengthAdjust="spacingAndGlyphs"
      >${host}</text>
      ${' '}
      <text class="map-note" x="36" y="46">${state} · ${runFrom}</text>
      <rect class="map-pods-all" x="14" y=${nodeHeight - 9} width=${nodeWidth - 28} height="3" rx="1.5" />
      <rect class="map-pods" x="14" y=${nodeHeight - 9} width=${(nodeWidth - 28) * share} height="3" rx="1.5" />
    </a>
  `;
}
