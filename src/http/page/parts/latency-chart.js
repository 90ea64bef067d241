import { operatorNow } from '../connection.js';
import { count, formatMs } from '../format.js';
import { html } from '../preact.js';

/** An hour, a bar a minute. */
const minutes = 60;
const minuteMs = 60_000;
const barWidth = 3;
const height = 30;
/** Room for the mark above a minute in which something failed. */
const top = 7;
/** From a registry next door to one that takes all of its time. */
const msMin = 2;
const msMax = 10_000;

/**
 * How long a registry took for its answers over the last hour: a bar a minute up to its 95th
 * percentile, on a logarithmic scale; a mark above where some had no answer.
 *
 * @param {{ latency: import('../answers.js').RegistryView['latency'] }} props
 */
export function LatencyChart({ latency }) {
  const now = Math.floor(operatorNow() / minuteMs);
  const bars = latency
    .map((one) => ({ ...one, x: minutes - 1 - (now - Math.floor(Date.parse(one.at) / minuteMs)) }))
    .filter(({ x }) => x >= 0 && x < minutes);
  const last = bars.at(-1);
  if (last === undefined) return html`<span class="quiet">not asked in the last hour</span>`;
  const width = minutes * (barWidth + 1);
  return html`
    <span class="latency">
      <svg viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${describe(bars)}>
        <path class="latency-base" d=${`M0 ${height - 0.5}H${width}`} />
        ${bars.map(({ x, p95Ms, failed }) => {
          const tall = heightOf(p95Ms);
          const left = x * (barWidth + 1);
          return html`<g class=${failed > 0 ? 'latency-failed' : 'latency-bar'}>
            <rect x=${left} y=${height - tall} width=${barWidth} height=${tall} rx="1" />
            ${failed > 0 && html`<path d=${`M${left + 1.5} ${height - tall - 7}l2.5 5h-5z`} />`}
          </g>`;
        })}
      </svg>
      <span class="cell-note">${describeNow(last)}</span>
    </span>
  `;
}

/** @type {(last: import('../answers.js').RegistryView['latency'][number]) => string} */
function describeNow({ count: asked, failed, p50Ms, p95Ms }) {
  if (failed === asked) return 'no answer';
  return `half within ${formatMs(p50Ms)}, 95 % within ${formatMs(p95Ms)}`;
}

/** @type {(ms: number) => number} */
function heightOf(ms) {
  const share = Math.log(Math.max(ms, msMin) / msMin) / Math.log(msMax / msMin);
  return Math.max(2, Math.min(1, share) * (height - top));
}

/** @type {(bars: import('../answers.js').RegistryView['latency']) => string} */
function describe(bars) {
  const asked = bars.reduce((sum, one) => sum + one.count, 0);
  const failed = bars.reduce((sum, one) => sum + one.failed, 0);
  const slowest = Math.max(...bars.map(({ maxMs }) => maxMs));
  return `Last hour: ${count(asked, 'question')}, ${failed} without an answer, the slowest ${formatMs(slowest)}`;
}
