import { html } from '../preact.js';

/**
 * What went wrong with a request; nothing where nothing did. `known`: an answer from before is still shown.
 *
 * @param {{ error: string | null, known?: boolean }} props
 */
export function ErrorNote({ error, known = true }) {
  if (error === null) return null;
  const what = known ? 'This is not current:' : 'There is no answer:';
  return html`<p class="banner" data-tone="warn"><strong>${what}</strong> ${error}</p>`;
}
