import { keyOf, outcomeOf, useDecisions } from '../decision-stream.js';
import { count } from '../format.js';
import { DecisionRow } from '../parts/decision-row.js';
import { Empty } from '../parts/empty.js';
import { ErrorNote } from '../parts/error-note.js';
import { PageTitle } from '../parts/page-title.js';
import { StateBadge } from '../parts/state-badge.js';
import { TextFilter } from '../parts/text-filter.js';
import { html, useState } from '../preact.js';
import { routeTo } from '../router.js';

const outcomes = /** @type {const} */ ([
  ['', 'All'],
  ['rerouted', 'Rerouted'],
  ['unserved', 'Nothing available'],
]);

/** @typedef {import('../answers.js').ShownReview} ShownReview */

/**
 * The stream of routing decisions.
 *
 * @param {import('../router.js').ViewProps} props
 */
export function DecisionsView({ query, go }) {
  const { q = '', show = '' } = query;
  const stream = useDecisions(q);
  const [held, setHeld] = useState(/** @type {readonly ShownReview[] | null} */ (null));
  const newest = new Set((held ?? []).map(keyOf));
  const isNew = (/** @type {ShownReview} */ review) => !newest.has(keyOf(review));
  const waiting = held === null ? 0 : stream.reviews.filter(isNew).length;
  const reviews = (held ?? stream.reviews).filter(
    (review) => show === '' || outcomeOf(review) === show,
  );
  /** @type {(change: Readonly<Record<string, string>>) => void} */
  const change = (next) => {
    setHeld(null);
    go(routeTo('decisions', [], { ...query, ...next }), { replace: true });
  };
  return html`
    <section class="view" data-view="decisions" aria-labelledby="decisions-title">
      <${PageTitle}
        id="decisions-title"
        title="Decisions"
        lead="Pods for whose images there was something to decide, as this replica admitted them; the newest first."
      />
      <${ErrorNote} error=${stream.error} known=${stream.isKnown} />
      <div class="toolbar">
        <${TextFilter}
          label="Filter decisions by Pod, image or resource"
          placeholder="Pod, image or resource"
          value=${q}
          onChange=${(/** @type {string} */ text) => change({ q: text })}
        />
        <div class="segmented" role="group" aria-label="Which decisions">
          ${outcomes.map(
            ([name, title]) =>
              html`<button type="button" aria-pressed=${String(show === name)} onClick=${() => change({ show: name })}>${title}</button>`,
          )}
        </div>
        <button
          type="button"
          aria-pressed=${String(held !== null)}
          onClick=${() => setHeld(held === null ? stream.reviews : null)}
        >
          ${held === null ? 'Pause' : 'Go on'}
        </button>
        <${StreamNote} stream=${stream} waiting=${waiting} isHeld=${held !== null} />
      </div>
      <${List} reviews=${reviews} isKnown=${stream.isKnown} isFiltered=${q !== '' || show !== ''} />
      ${
        stream.forgotten > 0 &&
        html`<p class="quiet">${count(stream.forgotten, 'decision')} from before ${stream.forgotten === 1 ? 'is' : 'are'} not remembered any more.</p>`
      }
    </section>
  `;
}

/** @param {{ stream: import('../decision-stream.js').DecisionStream, waiting: number, isHeld: boolean }} props */
function StreamNote({ stream: { stream, lost }, waiting, isHeld }) {
  return html`<span class="toolbar">
    ${
      isHeld
        ? html`<${StateBadge} state="Paused" tone="warn" /> <span class="quiet">${waiting} new</span>`
        : html`<${StateBadge} state=${stream === 'open' ? 'Live' : 'Asked for'} tone=${stream === 'open' ? 'good' : 'busy'} />`
    }
    ${lost > 0 && html`<span class="quiet">${count(lost, 'event was', 'events were')} lost on the way and asked for.</span>`}
  </span>`;
}

/** @param {{ reviews: readonly ShownReview[], isKnown: boolean, isFiltered: boolean }} props */
function List({ reviews, isKnown, isFiltered }) {
  if (reviews.length === 0) {
    if (!isKnown) return null;
    return html`<div class="card">
      <${Empty} title=${isFiltered ? 'No decision is like that' : 'Nothing was decided yet'}>
        ${!isFiltered && 'A Pod is listed here when one of its images has more than one place that it may come from.'}
      <//>
    </div>`;
  }
  return html`<ol class="card decisions" aria-label="Decisions">
    ${reviews.map((review) => html`<${DecisionRow} key=${keyOf(review)} review=${review} />`)}
  </ol>`;
}
