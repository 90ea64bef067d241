import { count, formatBytes } from '../format.js';
import { html } from '../preact.js';
import { replicaOf } from '../replicas.js';
import { Empty } from './empty.js';
import { useMore } from './more.js';

/**
 * @typedef {object} RunningCopy
 * @property {string} image
 * @property {string} target
 * @property {number} bytesDone
 * @property {number | null} bytesTotal
 * @property {number} bytesPerSecond
 * @property {string} startedAt
 */

const first = 6;

/**
 * Copies that are being made, and how many there are.
 *
 * @param {{
 *   copies: { readonly running: readonly unknown[], readonly byState: Readonly<Record<string, number>> },
 *   leads: boolean,
 *   leader: string | null,
 * }} props
 */
export function WorkOfMirroring({ copies, leads, leader }) {
  const running = /** @type {readonly RunningCopy[]} */ (copies.running);
  const { shown, button } = useMore(running, first);
  return html`
    <section class="card" aria-labelledby="copies-title" data-part="copies">
      <div class="card-head">
        <h2 id="copies-title">Copies</h2>
        <span class="quiet">${describeStates(copies.byState)}</span>
      </div>
      ${
        shown.length === 0
          ? html`<${Empty} title="No copy is being made">
            ${!leads && leader !== null && `${replicaOf(leader)} leads, and makes them.`}
          <//>`
          : html`<ul class="rows">${shown.map((copy) => html`<${Copy} copy=${copy} />`)}</ul>`
      }
      ${button}
    </section>
  `;
}

/** @type {(byState: Readonly<Record<string, number>>) => string} */
function describeStates({ images = 0, mirrored = 0, failed = 0 }) {
  if (images === 0) return '';
  const failures = failed === 0 ? '' : ` · ${failed.toLocaleString('en')} failed`;
  return `${mirrored.toLocaleString('en')} of ${count(images, 'image')} mirrored${failures}`;
}

/** @param {{ copy: RunningCopy }} props */
function Copy({ copy: { image, target, bytesDone, bytesTotal, bytesPerSecond } }) {
  const size =
    bytesTotal === null
      ? formatBytes(bytesDone)
      : `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}`;
  return html`
    <li class="copy">
      <p><code>${image}</code> <span class="quiet">to</span> <code>${target}</code></p>
      <progress
        max=${bytesTotal ?? undefined}
        value=${bytesTotal === null ? undefined : bytesDone}
        aria-label=${`${image}: ${size}`}
      ></progress>
      <p class="cell-note">${size} · ${formatBytes(bytesPerSecond)}/s${remaining(bytesDone, bytesTotal, bytesPerSecond)}</p>
    </li>
  `;
}

/** @type {(done: number, total: number | null, rate: number) => string} */
function remaining(done, total, rate) {
  if (total === null || rate === 0 || done >= total) return '';
  return ` · ${count(Math.ceil((total - done) / rate), 'second')} to go`;
}
