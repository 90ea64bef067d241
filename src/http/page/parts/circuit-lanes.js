import { html } from '../preact.js';
import { routeTo } from '../router.js';
import { circuitAt, spansOf } from '../timeline.js';
import { StateBadge } from './state-badge.js';

const laneWidth = 1_000;
const laneHeight = 20;
/** How tall a circuit stands in its lane: no information is by colour alone. */
const heights = { Closed: 4, Suspect: 10, HalfOpen: 14, Open: 20 };

/**
 * @typedef {object} CircuitLanesProps
 * @property {readonly import('../timeline.js').RegistryTimeline[]} registries
 * @property {number} from
 * @property {number} to
 * @property {number} at The time that is looked at.
 */

/**
 * What the circuits of registries were over the last hour: a lane each, the taller the worse.
 *
 * @param {CircuitLanesProps} props
 */
export function CircuitLanes({ registries, from, to, at }) {
  const xOf = (/** @type {number} */ time) => ((time - from) / (to - from)) * laneWidth;
  return html`<ul class="lanes" aria-label="Circuits at that time">
    ${registries.map((registry) => {
      const circuit = circuitAt(registry, at);
      return html`<li class="lane" data-registry=${registry.host} data-circuit=${circuit} key=${registry.host}>
        <div class="lane-label">
          <a class="plain" href=${routeTo('actors', [`registry:${registry.host}`])}>${registry.host}</a>
          <${StateBadge} state=${circuit} />
        </div>
        <svg viewBox=${`0 0 ${laneWidth} ${laneHeight}`} preserveAspectRatio="none" aria-hidden="true">
          ${spansOf(registry, from, to).map(
            (span) => html`<rect
              class="span"
              data-circuit=${span.circuit}
              x=${xOf(span.from)}
              y=${(laneHeight - heights[span.circuit]) / 2}
              width=${Math.max(1.5, xOf(span.to) - xOf(span.from))}
              height=${heights[span.circuit]}
            />`,
          )}
          <path class="lane-cursor" d=${`M${xOf(at)} 0V${laneHeight}`} />
        </svg>
      </li>`;
    })}
  </ul>`;
}
