import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';

/** @param {import('../router.js').ViewProps} props */
export function MachinesView({ path, query }) {
  return html`
    <section class="view" data-view="machines" aria-labelledby="machines-title">
      <${PageTitle} id="machines-title" title="Machines" />
      <pre>${JSON.stringify({ path, query })}</pre>
    </section>
  `;
}
