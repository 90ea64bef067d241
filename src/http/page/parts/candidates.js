import { formatMs } from '../format.js';
import { html } from '../preact.js';
import { Share } from './share.js';
import { StateBadge } from './state-badge.js';

/**
 * The candidates of a decision in order: what each answered, after how long, and which was taken.
 *
 * @param {{
 *   decision: Pick<import('../answers.js').RouteDecision, 'candidates' | 'winner' | 'reason'>,
 *   caption: string,
 * }} props
 */
export function Candidates({ decision: { candidates, winner, reason }, caption }) {
  if (candidates.length === 0) return null;
  const msMax = Math.max(1, ...candidates.map(({ ms }) => ms));
  // Where nothing answers the Pod keeps its image, which is no choice.
  const won =
    reason === 'NothingAvailable' ? -1 : candidates.findIndex(({ image }) => image === winner);
  return html`
    <div class="scroll candidates-scroll" tabindex="0" role="region" aria-label=${caption}>
      <table class="candidates">
        <caption class="unseen">${caption}</caption>
        <thead>
          <tr>
            <th scope="col" class="number">Order</th>
            <th scope="col">Candidate</th>
            <th scope="col">Answer</th>
            <th scope="col">After</th>
            <th scope="col">Proposed by</th>
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
      <td><${StateBadge} state=${status} tone=${statusTones.get(status)} /></td>
      <td class="after">
        ${ms === 0 ? html`<span class="quiet">nothing was sent</span>` : html`<span>${formatMs(ms)}</span><${Share} share=${share} />`}
      </td>
      <td class="by">
        ${by === 'original' ? 'the Pod itself' : breakable(by)}
        ${filter && html`<p class="cell-note">by the filter <code>${filter}</code></p>`}
      </td>
    </tr>
  `;
}

/** A name goes on in the next line behind a slash, before it does anywhere else. @type {(name: string) => unknown} */
function breakable(name) {
  return name.split('/').map((part, index) => (index === 0 ? part : html`/<wbr />${part}`));
}

/** @type {ReadonlyMap<string, import('./state-badge.js').Tone>} */
const statusTones = new Map([
  ['Trusted', 'good'],
  ['SetAside', 'warn'],
  ['NotAsked', 'idle'],
]);
