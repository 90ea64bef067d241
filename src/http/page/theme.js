import { useState } from './preact.js';

/** @typedef {'system' | 'light' | 'dark'} Theme */

const key = 'kuik-theme';

/**
 * The theme that somebody chose, and how it is changed; `early-theme.js` reads it before the first paint.
 *
 * @returns {[Theme, (theme: Theme) => void]}
 */
export function useTheme() {
  const [theme, setTheme] = useState(chosenTheme);
  /** @type {(theme: Theme) => void} */
  const choose = (next) => {
    const { dataset } = document.documentElement;
    if (next === 'system') delete dataset.theme;
    else dataset.theme = next;
    keep(next);
    setTheme(next);
    window.dispatchEvent(new Event('kuik-theme'));
  };
  return [theme, choose];
}

/**
 * Calls back when colours change, for what is drawn on a canvas and so keeps its old ones.
 *
 * @param {() => void} redraw
 * @returns {() => void} Ends it.
 */
export function onThemeChange(redraw) {
  const system = matchMedia('(prefers-color-scheme: dark)');
  window.addEventListener('kuik-theme', redraw);
  system.addEventListener('change', redraw);
  return () => {
    window.removeEventListener('kuik-theme', redraw);
    system.removeEventListener('change', redraw);
  };
}

/** @returns {Theme} */
function chosenTheme() {
  const { theme } = document.documentElement.dataset;
  return theme === 'light' || theme === 'dark' ? theme : 'system';
}

/** @param {Theme} theme */
function keep(theme) {
  try {
    if (theme === 'system') localStorage.removeItem(key);
    else localStorage.setItem(key, theme);
  } catch {
    // Storage may be forbidden: the choice holds until the page is loaded again.
  }
}
