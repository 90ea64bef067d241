import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';

/** @param {import('../router.js').ViewProps} props */
export function RouteView({ path, query }) {
  return html`
    <section class="view" data-view="route" aria-labelledby="route-title">
      <${PageTitle} id="route-title" title="Route" />
      <pre>${JSON.stringify({ path, query })}</pre>
    </section>
  `;
}
