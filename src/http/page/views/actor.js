import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';

/** @param {import('../router.js').ViewProps} props */
export function ActorView({ path, query }) {
  return html`
    <section class="view" data-view="actor" aria-labelledby="actor-title">
      <${PageTitle} id="actor-title" title="Actor" />
      <pre>${JSON.stringify({ path, query })}</pre>
    </section>
  `;
}
