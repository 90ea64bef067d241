import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';

/** @param {import('../router.js').ViewProps} props */
export function MapView({ path, query }) {
  return html`
    <section class="view" data-view="map" aria-labelledby="map-title">
      <${PageTitle} id="map-title" title="Map" />
      <pre>${JSON.stringify({ path, query })}</pre>
    </section>
  `;
}
