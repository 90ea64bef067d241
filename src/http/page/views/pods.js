import { Empty } from '../parts/empty.js';
import { LongTable } from '../parts/long-table.js';
import { PageTitle } from '../parts/page-title.js';
import { StateBadge } from '../parts/state-badge.js';
import { TextFilter } from '../parts/text-filter.js';
import { html } from '../preact.js';
import { routeTo } from '../router.js';

/** Of Pods with more containers the story has the rest. */
const imagesShown = 3;

/**
 * Pods, and what they run.
 *
 * @param {import('../router.js').ViewProps} props
 */
export function PodsView({ query, go }) {
  const { namespace = '', registry = '', q = '' } = query;
  const change = (/** @type {Record<string, string>} */ next) =>
    go(routeTo('pods', [], { ...query, ...next }), { replace: true });
  return html`
    <section class="view" data-view="pods" aria-labelledby="pods-title">
      <${PageTitle}
        id="pods-title"
        title="Pods"
        lead="What runs, and whether it is what was wanted. Each tells how it came to it."
      />
      <div class="toolbar" role="search">
        <${TextFilter}
          label="A part of namespace/name"
          placeholder="Search by name"
          value=${q}
          onChange=${(/** @type {string} */ text) => change({ q: text })}
        />
        <${TextFilter}
          label="Namespace"
          placeholder="All namespaces"
          value=${namespace}
          onChange=${(/** @type {string} */ text) => change({ namespace: text.trim() })}
        />
        <${TextFilter}
          label="Registry that they run from"
          placeholder="All registries"
          value=${registry}
          onChange=${(/** @type {string} */ text) => change({ registry: text.trim() })}
        />
      </div>
      <${LongTable}
        path=${`/debug/pods?${new URLSearchParams({ namespace, q, registry })}`}
        rowsOf=${rowsOf}
        caption="Pods and their images"
        noun=${noun}
        name="pods"
        columns=${columns}
        cells=${cells}
        empty=${html`<${Empty} title="No Pod is like that">Search for less: namespace and registry have to be whole.<//>`}
      />
    </section>
  `;
}

const noun = { one: 'Pod', many: 'Pods' };
const columns = ['Pod', 'Images'];

/** @type {(page: import('../answers.js').PodPage) => import('../answers.js').PodPage['pods']} */
const rowsOf = ({ pods }) => pods;

/** @type {(pod: import('../answers.js').PodPage['pods'][number]) => unknown} */
function cells({ namespace, name, images }) {
  return html`
    <th scope="row"><span class="quiet">${namespace}/</span><a href=${routeTo('pods', [namespace, name])}>${name}</a></th>
    <td>
      <ul class="pod-images">
        ${images.slice(0, imagesShown).map(
          ({ container, wanted, running, rewritten }) => html`<li>
            <code>${running}</code>
            ${rewritten && html`${' '}<${StateBadge} state="Rewritten" tone="busy" />`}
            ${rewritten && html`<p class="cell-note">${container} wanted <code>${wanted}</code></p>`}
          </li>`,
        )}
        ${images.length > imagesShown && html`<li class="quiet">and ${images.length - imagesShown} more</li>`}
      </ul>
    </td>
  `;
}
