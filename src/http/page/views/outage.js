import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';

/** @param {import('../router.js').ViewProps} props */
export function OutageView({ path, query }) {
  return html`
    <section class="view" data-view="outage" aria-labelledby="outage-title">
      <${PageTitle} id="outage-title" title="Outage" />
      <pre>${JSON.stringify({ path, query })}</pre>
    </section>
  `;
}
