import { useAnswer } from '../live.js';
import { CopyLink } from '../parts/copy-link.js';
import { Decision, reasonName } from '../parts/decision.js';
import { ErrorNote } from '../parts/error-note.js';
import { PageTitle } from '../parts/page-title.js';
import { StateBadge } from '../parts/state-badge.js';
import { TimeAgo } from '../parts/time-ago.js';
import { html } from '../preact.js';
import { routeTo } from '../router.js';

/** @typedef {import('../answers.js').PodStory['containers'][number]} Container */

/**
 * One Pod's story: what its containers wanted, what was asked and answered, what they got, and what
 * they would get today.
 *
 * @param {import('../router.js').ViewProps} props
 */
export function PodView({ path }) {
  const [namespace = '', name = ''] = path;
  const asked = `/debug/pods/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
  // Each answer may cost requests to registries: it is asked for by hand.
  /** @type {import('../live.js').Answer<import('../answers.js').PodStory & { replica: string }>} */
  const { value, error, at, asking, refresh } = useAnswer(asked, { everyMs: 0 });
  return html`
    <section class="view" data-view="pod" aria-labelledby="pod-title">
      <${PageTitle}
        id="pod-title"
        title=${html`<span class="quiet">${namespace}/</span>${name}`}
        lead=${value && html`<${Lead} story=${value} />`}
      >
        ${value && html`<span class="quiet">asked <${TimeAgo} at=${at} /></span>`}
        <button type="button" onClick=${refresh} disabled=${asking}>Ask again</button>
        <${CopyLink} />
      <//>
      <${ErrorNote} error=${error} known=${value !== null} />
      ${value === null && error === null && html`<p class="quiet" role="status">Registries are being asked …</p>`}
      ${value?.containers.map((container) => html`<${Story} key=${container.container} ...${{ container, namespace, replica: value.replica }} />`)}
    </section>
  `;
}

/** @param {{ story: import('../answers.js').PodStory }} props */
function Lead({ story: { namespace, owner, containers } }) {
  const rewritten = containers.filter((one) => one.rewritten).length;
  const [, ownerName = ''] = owner.split('/');
  return html`
    ${owner !== '' && html`Of <a href=${routeTo('pods', [], { namespace, q: ownerName })}>${owner}</a>. `}
    ${rewritten === 0 ? 'It runs what it wanted.' : `${rewritten} of ${containers.length} images are others than it wanted.`}
  `;
}

/** @param {{ container: Container, namespace: string, replica: string }} props */
function Story({ container: one, namespace, replica }) {
  const id = `container-${one.container.replaceAll(/\W/g, '-')}`;
  return html`
    <section class="card" aria-labelledby=${id} data-container=${one.container}>
      <div class="card-head">
        <h2 id=${id}>${one.container}</h2>
        <${StateBadge} state=${one.rewritten ? 'Rewritten' : 'As it wanted'} tone=${one.rewritten ? 'busy' : 'idle'} />
      </div>
      <ol class="story card-body">
        <li class="story-step">
          <h3>Wanted</h3>
          <p><code>${one.wanted}</code></p>
        </li>
        <li class="story-step">
          <h3>Asked and answered ${one.decision && html`<span class="quiet"><${TimeAgo} at=${one.decision.at} /></span>`}</h3>
          ${
            one.decision === null
              ? html`<p class="quiet">${replica} does not remember its admission: another replica answered it, it was too long ago, or this one was started since.</p>`
              : html`<${Decision} isPast decision=${one.decision} caption=${`What each candidate for ${one.container} answered at its admission`} />`
          }
        </li>
        <li class="story-step">
          <h3>Got</h3>
          <p><code>${one.running}</code></p>
          <${Because} container=${one} />
        </li>
        <li class="story-step">
          <h3>Would get today</h3>
          <${Today} container=${one} namespace=${namespace} />
        </li>
      </ol>
    </section>
  `;
}

/** What its annotations say. @param {{ container: Container }} props */
function Because({ container: { by, reason } }) {
  if (reason === undefined) return null;
  return html`<p class="quiet">${reasonName(reason)}${by !== undefined && html`, by <strong>${by}</strong>`}</p>`;
}

/** @param {{ container: Container, namespace: string }} props */
function Today({ container: { container, wanted, running, today }, namespace }) {
  if (today === null) {
    return html`<p class="quiet">Not asked: the time was over, or there are too many containers.
      ${' '}<a href=${routeTo('route', [], { image: wanted, namespace })}>Ask for this image alone</a></p>`;
  }
  const isSame = today.winner === running;
  return html`
    <p><strong>${isSame ? 'The same as it runs.' : 'Another than it runs.'}</strong></p>
    <details class="answers-now" open=${!isSame}>
      <summary>What each candidate answers now</summary>
      <${Decision} decision=${today} caption=${`What each candidate for ${container} answers now`} />
    </details>
    <p class="story-links"><a href=${routeTo('route', [], { image: wanted, namespace })}>Ask about another Pod with this image</a></p>
  `;
}
