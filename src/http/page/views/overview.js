import { count, matcher } from '../format.js';
import { useAnswer } from '../live.js';
import { Empty } from '../parts/empty.js';
import { ErrorNote } from '../parts/error-note.js';
import { useMore } from '../parts/more.js';
import { PageTitle } from '../parts/page-title.js';
import { RegistryTable } from '../parts/registry-table.js';
import { Share } from '../parts/share.js';
import { StateBadge, toneOf } from '../parts/state-badge.js';
import { TextFilter } from '../parts/text-filter.js';
import { TimeAgo } from '../parts/time-ago.js';
import { WorkOfMirroring } from '../parts/work-of-mirroring.js';
import { html } from '../preact.js';
import { replicaOf } from '../replicas.js';
import { routeTo } from '../router.js';

/** So many fit beside each other on a screen; the rest is a button away. */
const attentionFirst = 8;
const recentFirst = 7;

/**
 * What needs attention, and why; what happened lately; how the registries fare.
 *
 * @param {import('../router.js').ViewProps} props
 */
export function OverviewView({ query, go }) {
  /** @type {import('../live.js').Answer<import('../answers.js').Overview>} */
  const { value, error } = useAnswer('/debug/overview');
  const filter = query.q ?? '';
  const matches = matcher(filter);
  return html`
    <section class="view" data-view="overview" aria-labelledby="overview-title">
      <${PageTitle} id="overview-title" title="Overview" lead=${value && summary(value)}>
        <${TextFilter}
          label="Filter the overview by text"
          value=${filter}
          onChange=${(/** @type {string} */ q) => go(routeTo('overview', [], { q }), { replace: true })}
        />
      <//>
      <${ErrorNote} error=${error} known=${value !== null} />
      ${value && html`<${Content} value=${value} matches=${matches} isFiltered=${filter !== ''} />`}
    </section>
  `;
}

/** @type {(value: import('../answers.js').Overview) => string} */
function summary({ attentionTotal, leader, registriesTotal }) {
  const needs =
    attentionTotal === 0
      ? 'Nothing needs attention.'
      : `${count(attentionTotal, 'thing needs', 'things need')} attention.`;
  const leads = leader === null ? 'Nobody leads.' : `${replicaOf(leader)} leads.`;
  return `${needs} ${count(registriesTotal, 'registry is', 'registries are')} known. ${leads}`;
}

/**
 * @param {{
 *   value: import('../answers.js').Overview,
 *   matches: (text: string) => boolean,
 *   isFiltered: boolean,
 * }} props
 */
function Content({ value, matches, isFiltered }) {
  const attention = value.attention.filter(({ what, reason }) => matches(`${what} ${reason}`));
  const recent = value.recent.filter(({ text }) => matches(text));
  const registries = value.registries.filter(({ host, circuit, quota }) =>
    matches(`${host} ${circuit} ${quota.state}`),
  );
  return html`
    <div class="overview-top">
      <${AttentionCard} ...${{ attention, total: value.attentionTotal, isFiltered }} />
      <${RecentCard} ...${{ recent, isFiltered }} />
    </div>
    <${RegistryTable} registries=${registries} total=${value.registriesTotal} />
    <div class="overview-pair">
      <${ImagesCard} images=${value.images} />
      <${WorkOfMirroring} copies=${value.copies} leads=${value.leads} leader=${value.leader} />
    </div>
  `;
}

/**
 * @param {{
 *   attention: readonly import('../answers.js').Attention[],
 *   total: number,
 *   isFiltered: boolean,
 * }} props
 */
function AttentionCard({ attention, total, isFiltered }) {
  const { shown, button } = useMore(attention, attentionFirst);
  return html`
    <section class="card" aria-labelledby="attention-title" data-part="attention">
      <div class="card-head">
        <h2 id="attention-title">Needs attention</h2>
        ${total > 0 && html`<span class="quiet">${total.toLocaleString('en')}</span>`}
      </div>
      ${
        shown.length === 0
          ? html`<${Empty} title=${isFiltered && total > 0 ? 'Nothing of it has that text' : 'Nothing needs attention'}>
            ${!isFiltered && 'Registries answer, images are there, and copies are where they should be.'}
          <//>`
          : html`<ul class="rows">
            ${shown.map(
              ({ severity, what, reason, since, link }) => html`
                <li class="attention" data-tone=${severity === 'error' ? 'bad' : 'warn'}>
                  <${StateBadge}
                    state=${severity === 'error' ? 'Error' : 'Warning'}
                    tone=${severity === 'error' ? 'bad' : 'warn'}
                  />
                  <div>
                    <p class="attention-what"><a href=${link}>${what}</a></p>
                    <p class="attention-reason">${reason}</p>
                  </div>
                  ${since !== null && html`<span class="attention-since quiet">for <${TimeAgo} at=${since} suffix="" /></span>`}
                </li>
              `,
            )}
          </ul>`
      }
      ${button}
    </section>
  `;
}

/** @param {{ recent: readonly import('../answers.js').Recent[], isFiltered: boolean }} props */
function RecentCard({ recent, isFiltered }) {
  const { shown, button } = useMore(recent, recentFirst);
  return html`
    <section class="card" aria-labelledby="recent-title" data-part="recent">
      <div class="card-head">
        <h2 id="recent-title">Lately</h2>
        <a href="#/decisions">All decisions</a>
      </div>
      ${
        shown.length === 0
          ? html`<${Empty} title=${isFiltered ? 'Nothing of it has that text' : 'Nothing happened yet'}>
            ${!isFiltered && 'Circuits that open, Pods that get another image and changes of the leader are listed here.'}
          <//>`
          : html`<ol class="rows recent">
            ${shown.map(
              ({ at, kind, text, link }) => html`<li>
                <span class="recent-at quiet"><${TimeAgo} at=${at} /></span>
                <span><span class="unseen">${kind}: </span><a class="plain" href=${link} title=${text}>${text}</a></span>
              </li>`,
            )}
          </ol>`
      }
      ${button}
    </section>
  `;
}

/** @param {{ images: Readonly<Record<string, number>> }} props */
function ImagesCard({ images }) {
  const entries = Object.entries(images).toSorted(([, left], [, right]) => right - left);
  const total = entries.reduce((sum, [, number]) => sum + number, 0);
  return html`
    <section class="card" aria-labelledby="images-title" data-part="images">
      <div class="card-head">
        <h2 id="images-title">Monitored images</h2>
        <span class="quiet">${total.toLocaleString('en')}</span>
      </div>
      ${
        total === 0
          ? html`<${Empty} title="No image is monitored">A ClusterImageSetAvailability or ImageSetAvailability says which are.<//>`
          : html`<ul class="rows shares">
            ${entries.map(
              ([status, number]) => html`<li>
                <a class="plain" href=${routeTo('actors', [], { type: 'tracked-image', state: status })}>
                  <${StateBadge} state=${status} />
                </a>
                <${Share} tone=${toneOf(status)} share=${number / total} />
                <span class="number">${number.toLocaleString('en')}</span>
              </li>`,
            )}
          </ul>`
      }
    </section>
  `;
}
