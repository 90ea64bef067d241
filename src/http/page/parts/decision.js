import { formatMs } from '../format.js';
import { html } from '../preact.js';
import { Candidates } from './candidates.js';
import { StateBadge } from './state-badge.js';

/**
 * What was decided about one image, and why: who won, and what each candidate answered, in order.
 *
 * @param {{
 *   decision: import('../answers.js').RouteDecision,
 *   caption: string,
 *   isPast?: boolean,
 * }} props
 */
export function Decision({ decision, caption, isPast = false }) {
  const { image, winner, reason, message, ms } = decision;
  return html`
    <div class="verdict" data-reason=${reason}>
      <p class="verdict-winner">
        <span class="quiet">${verbOf(winner === image, isPast)}</span>
        <code>${winner}</code>
        <${StateBadge} state=${reasonName(reason)} tone=${toneOfReason(reason)} />
        ${ms > 0 && html`<span class="quiet">within ${formatMs(ms)}</span>`}
      </p>
      <p class="quiet">${message}</p>
      <${Candidates} decision=${decision} caption=${caption} />
    </div>
  `;
}

/** @type {(isSame: boolean, isPast: boolean) => string} */
function verbOf(isSame, isPast) {
  if (isSame) return isPast ? 'It kept' : 'It keeps';
  return isPast ? 'It got' : 'It gets';
}

/** `OriginalUnreachable` as a person would write it. @type {(reason: string) => string} */
export function reasonName(reason) {
  return reason.replaceAll(
    /([a-z])([A-Z])/g,
    (_, before, after) => `${before} ${after.toLowerCase()}`,
  );
}

/** @type {(reason: string) => import('./state-badge.js').Tone} */
export function toneOfReason(reason) {
  if (reason === 'NothingAvailable') return 'bad';
  if (reason === 'OriginalAvailable' || reason === 'Preferred') return 'good';
  return reason.startsWith('Original') ? 'warn' : 'idle';
}
