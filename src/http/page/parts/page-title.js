import { html } from '../preact.js';

/**
 * The heading of a view, which gets the focus when somebody comes to it; `children` stand at its end.
 *
 * @param {{ id: string, title: unknown, lead?: unknown, children?: unknown }} props
 */
export function PageTitle({ id, title, lead, children }) {
  return html`
    <div class="page-title">
      <div>
        <h1 id=${id} tabindex="-1">${title}</h1>
        ${lead && html`<p class="lead">${lead}</p>`}
      </div>
      ${children && html`<div class="page-title-end">${children}</div>`}
    </div>
  `;
}
