import { outcomeOf } from '../decision-stream.js';
import { formatMs } from '../format.js';
import { html, useState } from '../preact.js';
import { routeTo } from '../router.js';
import { Candidates } from './candidates.js';
import { StateBadge } from './state-badge.js';
import { clockTime } from './time-ago.js';

const outcomes = /** @type {const} */ ({
  unserved: { text: 'Nothing available', tone: 'bad' },
  rerouted: { text: 'Rerouted', tone: 'warn' },
  kept: { text: 'Kept', tone: 'good' },
});

/** @typedef {import('../answers.js').ShownReview} ShownReview */

/**
 * One decision of a stream; what was asked and answered is below it.
 *
 * @param {{ review: ShownReview }} props
 */
export function DecisionRow({ review }) {
  const { at, namespace, pod, ms } = review;
  const [isOpen, setOpen] = useState(false);
  const { text, tone } = outcomes[outcomeOf(review)];
  const toggle = (/** @type {Event} */ event) =>
    setOpen(/** @type {HTMLDetailsElement} */ (event.currentTarget).open);
  return html`
    <li class="decision" data-outcome=${outcomeOf(review)}>
      <details onToggle=${toggle}>
        <summary>
          <time class="decision-at" datetime=${at}>${clockTime(Date.parse(at))}</time>
          <${StateBadge} state=${text} tone=${tone} />
          <span class="decision-pod">${namespace}/${pod}${pod.endsWith('-') ? '…' : ''}</span>
          <span class="decision-images">${imagesOf(review)}</span>
          <span class="number quiet">${formatMs(ms)}</span>
        </summary>
        ${isOpen && html`<${Detail} review=${review} />`}
      </details>
    </li>
  `;
}

/** @type {(review: ShownReview) => unknown} */
function imagesOf({ containers }) {
  const [first] = containers.toSorted(
    (left, right) => Number(right.rewritten) - Number(left.rewritten),
  );
  if (first === undefined) return '';
  const more = containers.length > 1 ? ` and ${containers.length - 1} more` : '';
  const { image, winner, rewritten } = first;
  return html`<code>${image}</code>${rewritten && html` → <code>${winner}</code>`}<span class="quiet">${more}</span>`;
}

/** @param {{ review: ShownReview }} props */
function Detail({ review: { namespace, pod, owner, containers } }) {
  const link = pod.endsWith('-')
    ? routeTo('pods', [], { namespace, q: pod })
    : routeTo('pods', [namespace, pod]);
  return html`
    <div class="decision-detail">
      <p class="toolbar">
        <a href=${link}>${pod.endsWith('-') ? 'Pods of that name' : 'The Pod’s story'}</a>
        ${owner !== '' && html`<span class="quiet">of ${owner}</span>`}
      </p>
      ${containers.map((container) => html`<${Container} container=${container} namespace=${namespace} />`)}
    </div>
  `;
}

/** @param {{ container: ShownReview['containers'][number], namespace: string }} props */
function Container({ container: { name, image, message, reason, candidates, winner }, namespace }) {
  return html`
    <div class="decision-container">
      <h2>${name} <span class="quiet">${reason}</span></h2>
      <p>${message} <a href=${routeTo('route', [], { image, namespace })}>What would it get today?</a></p>
      <${Candidates} decision=${{ candidates, winner, reason }} caption=${`Candidates of ${name}, in order`} />
    </div>
  `;
}
