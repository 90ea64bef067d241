import { html } from '../preact.js';

/** A share that is there is seen. */
const shareMin = 0.01;

/**
 * A bar beside a figure, which says the same.
 *
 * @param {{ share: number, tone?: import('./state-badge.js').Tone }} props
 */
export function Share({ share, tone }) {
  const width = share === 0 ? 0 : Math.max(share, shareMin) * 100;
  return html`<svg class="bar" data-tone=${tone} viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true">
    <rect width=${width} height="1" />
  </svg>`;
}
