import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';

/** @param {import('../router.js').ViewProps} props */
export function PodsView({ path, query }) {
  return html`
    <section class="view" data-view="pods" aria-labelledby="pods-title">
      <${PageTitle} id="pods-title" title="Pods" />
      <pre>${JSON.stringify({ path, query })}</pre>
    </section>
  `;
}
