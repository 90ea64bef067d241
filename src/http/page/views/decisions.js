import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';

/** @param {import('../router.js').ViewProps} props */
export function DecisionsView({ path, query }) {
  return html`
    <section class="view" data-view="decisions" aria-labelledby="decisions-title">
      <${PageTitle} id="decisions-title" title="Decisions" />
      <pre>${JSON.stringify({ path, query })}</pre>
    </section>
  `;
}
