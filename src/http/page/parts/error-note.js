import { html } from '../preact.js';

/**
 * What went wrong with a request, beside what is still shown of the one before; nothing where nothing did.
 *
 * @param {{ error: string | null }} props
 */
export function ErrorNote({ error }) {
  if (error === null) return null;
  return html`<p class="banner" data-tone="warn"><strong>This is not current:</strong> ${error}</p>`;
}
