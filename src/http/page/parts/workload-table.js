import { html } from '../preact.js';
import { routeTo } from '../router.js';
import { useMore } from './more.js';
import { shapeOf } from './state-badge.js';

const first = 25;

/**
 * Workloads, and what their images would come to.
 *
 * @param {{
 *   id: string,
 *   title: string,
 *   workloads: readonly import('../answers.js').WorkloadChange[],
 *   tone: import('./state-badge.js').Tone,
 * }} props
 */
export function WorkloadTable({ id, title, workloads, tone }) {
  const { shown, button } = useMore(workloads, first);
  if (workloads.length === 0) return null;
  return html`
    <section class="card" aria-labelledby=${`${id}-title`} data-part=${id}>
      <div class="card-head">
        <h2 id=${`${id}-title`} class="toned" data-tone=${tone}>
          <svg class="shape" viewBox="0 0 12 12" aria-hidden="true"><path fill-rule="evenodd" d=${shapeOf(tone)} /></svg>
          ${title}
        </h2>
        <span class="quiet">${workloads.length.toLocaleString('en')}</span>
      </div>
      <div class="scroll" tabindex="0" role="region" aria-label=${`Table: ${title}`}>
        <table class="workloads">
          <caption class="unseen">${title}</caption>
          <thead>
            <tr>
              <th scope="col">Workload</th>
              <th scope="col" class="number">Pods</th>
              <th scope="col">Container</th>
              <th scope="col">Image now, and then</th>
            </tr>
          </thead>
          <tbody>${shown.map((workload) => html`<${Rows} workload=${workload} />`)}</tbody>
        </table>
      </div>
      ${button}
    </section>
  `;
}

/** @param {{ workload: import('../answers.js').WorkloadChange }} props */
function Rows({ workload: { namespace, kind, name, pods, images } }) {
  return images.map(
    ({ container, now, afterwards, by, message }, index) => html`
      <tr>
        ${
          index === 0 &&
          html`
            <th scope="rowgroup" rowspan=${images.length}>
              <a href=${routeTo('pods', [], { namespace, q: name })}>${namespace}/${name}</a>
              <p class="cell-note">${kind}</p>
            </th>
            <td class="number" rowspan=${images.length}>${pods.toLocaleString('en')}</td>
          `
        }
        <td>${container}</td>
        <td>
          <p><code>${now}</code></p>
          ${
            afterwards === undefined
              ? html`<p class="cell-note">${message}</p>`
              : html`<p>→ <code>${afterwards}</code></p><p class="cell-note">by ${by}</p>`
          }
        </td>
      </tr>
    `,
  );
}
