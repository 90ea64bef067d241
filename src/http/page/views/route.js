import { useAnswer } from '../live.js';
import { CopyLink } from '../parts/copy-link.js';
import { Decision } from '../parts/decision.js';
import { Empty } from '../parts/empty.js';
import { ErrorNote } from '../parts/error-note.js';
import { PageTitle } from '../parts/page-title.js';
import { TimeAgo } from '../parts/time-ago.js';
import { html } from '../preact.js';
import { routeTo } from '../router.js';

const policies = ['IfNotPresent', 'Always', 'Never'];
const fields = ['image', 'namespace', 'labels', 'policy'];

/**
 * What a Pod with an image would get now: candidates in order, what each answers, who wins and why.
 *
 * @param {import('../router.js').ViewProps} props
 */
export function RouteView({ query, go }) {
  const image = (query['image'] ?? '').trim();
  /** @type {import('../live.js').Answer<import('../answers.js').RouteExplanation>} */
  const answer = useAnswer(image === '' ? null : pathOf(query), { everyMs: 0 });
  return html`
    <section class="view" data-view="route" aria-labelledby="route-title">
      <${PageTitle}
        id="route-title"
        title="Route"
        lead="What would a Pod with this image get, if it were created now? Registries are asked; nothing is changed."
      />
      <${Question} key=${JSON.stringify(query)} query=${query} onAsk=${(
        /** @type {Record<string, string>} */ next,
      ) => {
        const hash = routeTo('route', [], next);
        if (hash === location.hash) answer.refresh();
        else go(hash);
      }} />
      ${image === '' ? html`<${Hint} />` : html`<${Outcome} answer=${answer} />`}
    </section>
  `;
}

/** @type {(query: Readonly<Record<string, string>>) => string} */
function pathOf(query) {
  const search = new URLSearchParams();
  for (const name of fields) {
    const value = (query[name] ?? '').trim();
    if (value !== '') search.set(name, value);
  }
  return `/debug/route?${search}`;
}

/**
 * @param {{
 *   query: Readonly<Record<string, string>>,
 *   onAsk: (query: Record<string, string>) => void,
 * }} props
 */
function Question({ query, onAsk }) {
  const ask = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    onAsk(Object.fromEntries(fields.map((name) => [name, String(form.get(name) ?? '').trim()])));
  };
  return html`
    <form class="card card-body fields question" onSubmit=${ask}>
      <label class="field question-image">
        Image
        <input name="image" required maxlength="1024" spellcheck="false" autocomplete="off" placeholder="docker.io/library/redis:7.2" defaultValue=${query['image'] ?? ''} />
      </label>
      <label class="field">
        Namespace
        <input name="namespace" spellcheck="false" autocomplete="off" placeholder="default" defaultValue=${query['namespace'] ?? ''} />
      </label>
      <label class="field">
        Labels
        <input name="labels" spellcheck="false" autocomplete="off" placeholder="app=cart,tier=web" defaultValue=${query['labels'] ?? ''} />
      </label>
      <label class="field">
        Pull policy
        <select name="policy">
          ${policies.map(
            (policy) =>
              html`<option value=${policy} selected=${policy === (query['policy'] || policies[0])}>${policy}</option>`,
          )}
        </select>
      </label>
      <button type="submit" class="primary">Ask</button>
    </form>
  `;
}

function Hint() {
  return html`<div class="card"><${Empty} title="Name an image">As a Pod would: with its registry or without, by tag or digest. The address of the answer is a link that can be shared.<//></div>`;
}

/** @param {{ answer: import('../live.js').Answer<import('../answers.js').RouteExplanation> }} props */
function Outcome({ answer: { value, error, at, asking, refresh } }) {
  return html`
    <${ErrorNote} error=${error} known=${value !== null} />
    ${value === null && error === null && html`<p class="quiet" role="status">Registries are being asked …</p>`}
    ${
      value !== null &&
      html`<section class="card" aria-labelledby="answer-title" data-part="answer" aria-busy=${String(asking)}>
        <div class="card-head">
          <h2 id="answer-title"><code>${value.image}</code></h2>
          <div class="toolbar">
            <span class="quiet">asked <${TimeAgo} at=${at} /></span>
            <button type="button" onClick=${refresh} disabled=${asking}>Ask again</button>
            <${CopyLink} />
          </div>
        </div>
        <div class="card-body">
          <${Decision} decision=${value} caption="Candidates in order, and what each answers" />
        </div>
      </section>
      <${NearMisses} misses=${value.nearMisses} />`
    }
  `;
}

/** @param {{ misses: import('../answers.js').RouteExplanation['nearMisses'] }} props */
function NearMisses({ misses }) {
  if (misses.length === 0) return null;
  return html`
    <section class="card" aria-labelledby="misses-title" data-part="near-misses">
      <div class="card-head"><h2 id="misses-title">Comes near, and does not apply</h2></div>
      <ul class="rows">
        ${misses.map(
          ({ by, field, message }) => html`<li>
            <p><strong>${by}</strong> <span class="quiet">by <code>${field}</code></span></p>
            <p class="quiet">${message}</p>
          </li>`,
        )}
      </ul>
    </section>
  `;
}
