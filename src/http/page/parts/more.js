import { html, useState } from '../preact.js';

/**
 * The beginning of a list, and a button that shows all of it.
 *
 * @template T
 * @param {readonly T[]} items
 * @param {number} first
 * @returns {{ shown: readonly T[], button: unknown }}
 */
export function useMore(items, first) {
  const [isWhole, setWhole] = useState(false);
  const isLong = items.length > first;
  const button =
    isLong &&
    html`<div class="more">
      <button type="button" aria-expanded=${String(isWhole)} onClick=${() => setWhole(!isWhole)}>
        ${isWhole ? `Show the first ${first}` : `Show all ${items.length}`}
      </button>
    </div>`;
  return { shown: isLong && !isWhole ? items.slice(0, first) : items, button };
}
