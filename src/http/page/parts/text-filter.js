import { html, useEffect, useRef, useState } from '../preact.js';

/** Long enough for the next key of a word. */
const settleMs = 120;

/**
 * A box that filters by text; tells a moment after the last key.
 *
 * @param {{ label: string, value: string, onChange: (value: string) => void, placeholder?: string }} props
 */
export function TextFilter({ label, value, onChange, placeholder = 'Filter' }) {
  const [text, setText] = useState(value);
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (/** @type {InputEvent} */ event) => {
    const { value: next } = /** @type {HTMLInputElement} */ (event.currentTarget);
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => onChange(next), settleMs);
  };
  return html`<input
    type="search"
    class="filter"
    aria-label=${label}
    placeholder=${placeholder}
    value=${text}
    onInput=${type}
    spellcheck="false"
    autocomplete="off"
  />`;
}
