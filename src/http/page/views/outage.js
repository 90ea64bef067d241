import { count } from '../format.js';
import { useAnswer } from '../live.js';
import { AdmissionChart } from '../parts/admission-chart.js';
import { CircuitLanes } from '../parts/circuit-lanes.js';
import { ErrorNote } from '../parts/error-note.js';
import { MinuteTable } from '../parts/minute-table.js';
import { PageTitle } from '../parts/page-title.js';
import { RegistryMap } from '../parts/registry-map.js';
import { ReplayBar } from '../parts/replay-bar.js';
import { ReroutedList } from '../parts/rerouted-list.js';
import { clockTime } from '../parts/time-ago.js';
import { html } from '../preact.js';
import { routeTo } from '../router.js';
import { circuitAt, eventful, useTimeline } from '../timeline.js';

/** Playing begins a little before the first thing that happened. */
const leadInMs = 60_000;

/**
 * The last hour of registries and of the Pods that were rerouted, as it happens and played again.
 *
 * @param {import('../router.js').ViewProps} props
 */
export function OutageView({ query, go }) {
  const { value, error, stream } = useTimeline();
  /** @type {import('../live.js').Answer<import('../answers.js').RegistryMap>} */
  const map = useAnswer('/debug/map', { everyMs: 5_000 });
  const asked = Date.parse(query.at ?? '');
  const at = Number.isNaN(asked) ? null : asked;
  /** @type {(at: number | null) => void} */
  const seek = (next) => {
    const time = next === null ? '' : `${new Date(next).toISOString().slice(0, 19)}Z`;
    go(routeTo('outage', [], { ...query, at: time }), { replace: true });
  };
  return html`
    <section class="view" data-view="outage" aria-labelledby="outage-title">
      <${PageTitle} id="outage-title" title="Outage" lead="The last hour: registries that stopped answering, and the Pods that got something else. Move the slider to see it again." />
      <${ErrorNote} error=${error} known=${value !== null} />
      ${value && html`<${Content} ...${{ timeline: value, at, seek, map: map.value, isStreamed: stream === 'open' }} />`}
    </section>
  `;
}

/**
 * @param {{
 *   timeline: import('../answers.js').Timeline,
 *   at: number | null,
 *   seek: (at: number | null) => void,
 *   map: import('../answers.js').RegistryMap | null,
 *   isStreamed: boolean,
 * }} props
 */
function Content({ timeline, at, seek, map, isStreamed }) {
  const from = Date.parse(timeline.from);
  const to = Date.parse(timeline.to);
  const isNow = at === null || at >= to;
  const shown = isNow ? to : Math.max(at, from);
  const lanes = eventful(timeline);
  const quiet = timeline.registries.length - lanes.length;
  const states = new Map(
    timeline.registries.map((registry) => [registry.host, circuitAt(registry, shown)]),
  );
  const happened = lanes.flatMap(({ changes }) => changes.map((change) => Date.parse(change.at)));
  const beginning = Math.max(from, Math.min(to, ...happened) - leadInMs);
  const label = summaryOf(timeline);
  return html`
    ${
      !isNow &&
      at < from &&
      html`<p class="banner" data-tone="warn">
        <strong>${clockTime(at, true)} is not remembered any more.</strong> Only the last hour is: what is shown is from ${clockTime(from)}.
      </p>`
    }
    <div class="card outage" data-part="timeline">
      <div class="outage-row">
        <${ChartLegend} />
        <${AdmissionChart} timeline=${timeline} at=${shown} label=${label} />
      </div>
      <${CircuitLanes} registries=${lanes} from=${from} to=${to} at=${shown} />
      <div class="outage-row">
        <p class="quiet">${describeQuiet(lanes.length, quiet)}</p>
        <${ReplayBar} ...${{ from, to, at: isNow ? null : shown, beginning, isStreamed, onSeek: seek }} />
      </div>
    </div>
    <p class="outage-summary">${label}</p>
    ${
      map !== null &&
      map.nodes.length > 0 &&
      html`<div class="card" data-part="map">
        <${RegistryMap} map=${map} label="Map at that time" states=${states} linkOf=${(/** @type {string} */ host) => routeTo('map', [], { registry: host })} />
      </div>`
    }
    <${ReroutedList} rerouted=${timeline.rerouted} at=${shown} isNow=${isNow} />
    <${MinuteTable} timeline=${timeline} />
  `;
}

/** @type {(shown: number, quiet: number) => string} */
function describeQuiet(shown, quiet) {
  if (shown === 0) return `${count(quiet, 'registry', 'registries')}: closed all the time.`;
  return quiet === 0 ? '' : `${count(quiet, 'other')}: closed all the time.`;
}

/** @type {(timeline: import('../answers.js').Timeline) => string} */
function summaryOf({ buckets, registries }) {
  const sum = (/** @type {'admitted' | 'rerouted' | 'unserved'} */ key) =>
    buckets.reduce((total, bucket) => total + bucket[key], 0);
  const open = registries.filter(({ circuit }) => circuit !== 'Closed').map(({ host }) => host);
  const now =
    open.length === 0 ? 'All registries answer now.' : `In trouble now: ${open.join(', ')}.`;
  return `In the last hour ${count(sum('admitted'), 'review')}: in ${sum('rerouted')} a Pod got something else, in ${sum('unserved')} nothing was available. ${now}`;
}

function ChartLegend() {
  return html`<div class="chart-legend">
    <p>Reviews a minute</p>
    <ul>
      <li data-series="admitted">admitted</li>
      <li data-series="rerouted">got something else</li>
      <li data-series="unserved">nothing available</li>
    </ul>
  </div>`;
}
