import { html } from '../preact.js';

/**
 * Where there is nothing: what would be here, and why it is not.
 *
 * @param {{ title: string, children?: unknown }} props
 */
export function Empty({ title, children }) {
  return html`<div class="empty"><p class="empty-title">${title}</p>${
    children && html`<p>${children}</p>`
  }</div>`;
}
