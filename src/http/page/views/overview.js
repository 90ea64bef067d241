import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';

/** @param {import('../router.js').ViewProps} props */
export function OverviewView({ path, query }) {
  return html`
    <section class="view" data-view="overview" aria-labelledby="overview-title">
      <${PageTitle} id="overview-title" title="Overview" />
      <pre>${JSON.stringify({ path, query })}</pre>
    </section>
  `;
}
