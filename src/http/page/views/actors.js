import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';

/** @param {import('../router.js').ViewProps} props */
export function ActorsView({ path, query }) {
  return html`
    <section class="view" data-view="actors" aria-labelledby="actors-title">
      <${PageTitle} id="actors-title" title="Actors" />
      <pre>${JSON.stringify({ path, query })}</pre>
    </section>
  `;
}
