import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';

/** @param {import('../router.js').ViewProps} props */
export function PodView({ path, query }) {
  return html`
    <section class="view" data-view="pod" aria-labelledby="pod-title">
      <${PageTitle} id="pod-title" title="Pod" />
      <pre>${JSON.stringify({ path, query })}</pre>
    </section>
  `;
}
