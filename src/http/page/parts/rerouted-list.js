import { count } from '../format.js';
import { html } from '../preact.js';
import { routeTo } from '../router.js';
import { Empty } from './empty.js';
import { clockTime } from './time-ago.js';

/** What fits on a screen; the decisions have all. */
const shownMax = 12;

/**
 * The last Pods that got something else until a time.
 *
 * @param {{ rerouted: import('../answers.js').Timeline['rerouted'], at: number, isNow: boolean }} props
 */
export function ReroutedList({ rerouted, at, isNow }) {
  const until = isNow ? rerouted : rerouted.filter((one) => Date.parse(one.at) <= at);
  const shown = until.slice(-shownMax).toReversed();
  return html`
    <section class="card" aria-labelledby="rerouted-title" data-part="rerouted">
      <div class="card-head">
        <h2 id="rerouted-title">Rerouted ${isNow ? 'until now' : `until ${clockTime(at)}`}</h2>
        <span class="quiet">${count(until.length, 'container')} · <a href="#/decisions?show=rerouted">all decisions</a></span>
      </div>
      ${
        shown.length === 0
          ? html`<${Empty} title="No Pod got anything else" />`
          : html`<ol class="rows rerouted">
            ${shown.map(
              ({ at: time, namespace, pod, from, to }) => html`<li>
                <time datetime=${time} class="quiet">${clockTime(Date.parse(time))}</time>
                <a class="plain" href=${linkOf(namespace, pod)}>${namespace}/${pod}</a>
                <span><code>${from}</code> → <code>${to}</code></span>
              </li>`,
            )}
          </ol>`
      }
    </section>
  `;
}

/** A name that is not given yet ends with a hyphen. @type {(namespace: string, pod: string) => string} */
function linkOf(namespace, pod) {
  return pod.endsWith('-')
    ? routeTo('pods', [], { namespace, q: pod })
    : routeTo('pods', [namespace, pod]);
}
