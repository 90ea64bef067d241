import { useEffect, useState } from './preact.js';

/**
 * Where somebody is: the view, what comes after it, and its state. All of it stands behind `#`, so
 * that a link can be shared and the operator is never told what somebody looks for.
 *
 * @typedef {object} Route
 * @property {string} view
 * @property {readonly string[]} path Decoded.
 * @property {Readonly<Record<string, string>>} query
 */

/**
 * What every view is given.
 *
 * @typedef {object} ViewProps
 * @property {readonly string[]} path What comes after the name of the view, decoded.
 * @property {Readonly<Record<string, string>>} query
 * @property {Go} go
 */

/**
 * Goes to a fragment; `replace` leaves no step to go back to, for what changes with every key.
 *
 * @typedef {(hash: string, options?: { readonly replace?: boolean }) => void} Go
 */

const home = 'overview';

/** @type {() => Route} */
const currentRoute = () => parseRoute(location.hash);

/**
 * Reads a fragment; what cannot be decoded stays as it is. Parts that are `.` or `..` name nothing and
 * are left out: a request for them would lead elsewhere, however they are escaped.
 *
 * @param {string} hash
 * @returns {Route}
 */
export function parseRoute(hash) {
  const [place = '', search = ''] = splitOnce(hash.replace(/^#?\/?/, ''), '?');
  const [view = '', ...path] = place
    .split('/')
    .map(decode)
    .filter((part) => part !== '.' && part !== '..');
  return {
    view: view === '' ? home : view,
    path,
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

/**
 * Writes a fragment; what is empty in the query is left out.
 *
 * @param {string} view
 * @param {readonly string[]} [path]
 * @param {Readonly<Record<string, string | undefined>>} [query]
 * @returns {string}
 */
export function routeTo(view, path = [], query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, value);
  }
  const place = [view, ...path].map(encodeURIComponent).join('/');
  // Commas divide lists of registries: a link that is read is better than one that is escaped.
  const text = search.toString().replaceAll('%2C', ',').replaceAll('%2F', '/');
  return `#/${place}${text === '' ? '' : `?${text}`}`;
}

/** @type {Go} */
export function go(hash, { replace = false } = {}) {
  if (hash === location.hash) return;
  if (!replace) {
    location.hash = hash;
    return;
  }
  history.replaceState(null, '', hash);
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

/**
 * The route, as it changes.
 *
 * @returns {Route}
 */
export function useRoute() {
  const [route, setRoute] = useState(currentRoute);
  useEffect(() => {
    const follow = () => setRoute(currentRoute());
    window.addEventListener('hashchange', follow);
    follow();
    return () => window.removeEventListener('hashchange', follow);
  }, []);
  return route;
}

/** @type {(text: string, separator: string) => readonly string[]} */
function splitOnce(text, separator) {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** @type {(part: string) => string} */
function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
