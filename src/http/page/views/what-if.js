import { PageTitle } from '../parts/page-title.js';
import { html } from '../preact.js';

/** @param {import('../router.js').ViewProps} props */
export function WhatIfView({ path, query }) {
  return html`
    <section class="view" data-view="what-if" aria-labelledby="what-if-title">
      <${PageTitle} id="what-if-title" title="WhatIf" />
      <pre>${JSON.stringify({ path, query })}</pre>
    </section>
  `;
}
