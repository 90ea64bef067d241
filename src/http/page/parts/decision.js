import { formatMs } from '../format.js';
import { html } from '../preact.js';
import { Share } from './share.js';
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
    <div class="decision" data-reason=${reason}>
      <p class="decision-winner">
        <span class="quiet">${verbOf(winner === image, isPast)}</span>
        <code>${winner}</code>
        <${StateBadge} state=${reasonName(reason)} tone=${toneOfReason(reason)} />
      </p>
      <p class="quiet">${message}${ms > 0 && html` Decided within <strong>${formatMs(ms)}</strong>.`}</p>
      <${Candidates} decision=${decision} caption=${caption} />
    </div>
  `;
}

/** @type {(isSame: boolean, isPast: boolean) => string} */
function verbOf(isSame, isPast) {
  if (isSame) return isPast ? 'It kept' : 'It keeps';
  return isPast ? 'It got' : 'It gets';
}

/** @param {{ decision: import('../answers.js').RouteDecision, caption: string }} props */
function Candidates({ decision: { candidates, winner }, caption }) {
  if (candidates.length === 0) return null;
  const msMax = Math.max(1, ...candidates.map(({ ms }) => ms));
  const won = candidates.findIndex(({ image }) => image === winner);
  return html`
    <div class="scroll candidates-scroll" tabindex="0" role="region" aria-label=${caption}>
      <table class="candidates">
        <caption class="unseen">${caption}</caption>
        <thead>
          <tr>
            <th scope="col" class="number">Order</th>
            <th scope="col">Candidate</th>
            <th scope="col">Proposed by</th>
            <th scope="col">Answer</th>
            <th scope="col">After</th>
          </tr>
        </thead>
        <tbody>
          ${candidates.map(
            (candidate, index) => html`<${Candidate}
              candidate=${candidate}
              place=${index + 1}
              isWinner=${index === won}
              share=${candidate.ms / msMax}
            />`,
          )}
        </tbody>
      </table>
    </div>
  `;
}

/**
 * @param {{
 *   candidate: import('../answers.js').CandidateReport,
 *   place: number,
 *   isWinner: boolean,
 *   share: number,
 * }} props
 */
function Candidate({ candidate, place, isWinner, share }) {
  const { image, by, status, ms, message, credential, filter } = candidate;
  return html`
    <tr data-winner=${String(isWinner)}>
      <td class="number quiet">${place}</td>
      <th scope="row">
        <code>${image}</code>
        ${isWinner && html`${' '}<span class="taken-mark">taken</span>`}
        ${message && html`<p class="cell-note">${message}</p>`}
        ${credential && html`<p class="cell-note">let in by the Secret <code>${credential}</code></p>`}
      </th>
      <td class="by">
        ${by === 'original' ? 'the Pod itself' : by}
        ${filter && html`<p class="cell-note">by the filter <code>${filter}</code></p>`}
      </td>
      <td><${StateBadge} state=${status} tone=${statusTones.get(status)} /></td>
      <td class="after">
        ${ms === 0 ? html`<span class="quiet">nothing was sent</span>` : html`<span>${formatMs(ms)}</span><${Share} share=${share} />`}
      </td>
    </tr>
  `;
}

/** @type {ReadonlyMap<string, import('./state-badge.js').Tone>} */
const statusTones = new Map([
  ['Trusted', 'good'],
  ['SetAside', 'warn'],
  ['NotAsked', 'idle'],
]);

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
