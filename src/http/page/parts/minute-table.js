import { html, useState } from '../preact.js';
import { clockTime } from './time-ago.js';

/**
 * What the chart and the lanes show, as tables.
 *
 * @param {{ timeline: import('../answers.js').Timeline }} props
 */
export function MinuteTable({ timeline: { registries, buckets } }) {
  const [isOpen, setOpen] = useState(false);
  const toggle = (/** @type {Event} */ event) =>
    setOpen(/** @type {HTMLDetailsElement} */ (event.currentTarget).open);
  return html`
    <details class="card minute-table" onToggle=${toggle}>
      <summary>The same as tables</summary>
      ${
        isOpen &&
        html`<div class="overview-pair card-body">
          <${Changes} registries=${registries} />
          <${Minutes} buckets=${buckets} />
        </div>`
      }
    </details>
  `;
}

/** @param {{ registries: import('../answers.js').Timeline['registries'] }} props */
function Changes({ registries }) {
  const changes = registries
    .flatMap(({ host, changes: own }) => own.map((change) => ({ ...change, host })))
    .toSorted((left, right) => right.at.localeCompare(left.at));
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Changes of circuits">
      <table>
        <caption>Changes of circuits, the newest first</caption>
        <thead><tr><th scope="col">Time</th><th scope="col">Registry</th><th scope="col">Circuit</th><th scope="col">Why</th></tr></thead>
        <tbody>
          ${changes.map(
            ({ at, host, from, to, reason }) => html`<tr>
              <td>${clockTime(Date.parse(at))}</td><th scope="row">${host}</th><td>${from} → ${to}</td><td>${reason}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** @param {{ buckets: import('../answers.js').Timeline['buckets'] }} props */
function Minutes({ buckets }) {
  return html`
    <div class="scroll" tabindex="0" role="group" aria-label="Reviews a minute">
      <table>
        <caption>Reviews a minute, the newest first</caption>
        <thead>
          <tr>
            <th scope="col">Minute</th>
            <th scope="col" class="number">Admitted</th>
            <th scope="col" class="number">Rerouted</th>
            <th scope="col" class="number">Unserved</th>
          </tr>
        </thead>
        <tbody>
          ${buckets.toReversed().map(
            ({ at, admitted, rerouted, unserved }) => html`<tr>
              <th scope="row">${clockTime(Date.parse(at)).slice(0, 5)}</th>
              <td class="number">${admitted}</td><td class="number">${rerouted}</td><td class="number">${unserved}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  `;
}
