import { go, routeTo } from './router.js';

/**
 * The other replicas, each forwarded to a port of its own by `kuik dashboard`, which writes them
 * into the link it opens; they are kept for this tab and taken out of the address.
 *
 * @typedef {{ readonly name: string, readonly port: number }} Replica
 */

const key = 'kuik-replicas';
/** More replicas than anybody runs. */
const replicasMax = 20;

/**
 * The replicas there are, those of the link first; none where the page was opened without.
 *
 * @param {import('./router.js').Route} route
 * @returns {readonly Replica[]}
 */
export function knownReplicas(route) {
  const { replicas: given, ...query } = route.query;
  if (given !== undefined) {
    remember(given);
    go(routeTo(route.view, route.path, query), { replace: true });
  }
  return parseReplicas(given ?? recall());
}

/**
 * The same view on another replica.
 *
 * @param {import('./router.js').Route} route
 * @param {Replica} replica
 * @param {readonly Replica[]} all
 * @returns {string}
 */
export function linkToReplica(route, replica, all) {
  const replicas = all.map(({ name, port }) => `${name}@${port}`).join(',');
  const hash = routeTo(route.view, route.path, { ...route.query, replicas });
  return `http://127.0.0.1:${replica.port}/debug/${hash}`;
}

/**
 * The replica that holds the Lease: its holder is the name of the Pod and a part that is new with
 * each start.
 *
 * @param {string} holder
 * @returns {string}
 */
export function replicaOf(holder) {
  return holder.replace(/_[^_]*$/, '');
}

/**
 * Reads `<name>@<port>,…`, and leaves out what is none.
 *
 * @param {string} text
 * @returns {readonly Replica[]}
 */
export function parseReplicas(text) {
  return text
    .split(',')
    .map((part) => /^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)@(\d{1,5})$/.exec(part))
    .flatMap((found) => (found === null ? [] : [{ name: found[1] ?? '', port: Number(found[3]) }]))
    .filter(({ port }) => port >= 1 && port <= 65_535)
    .slice(0, replicasMax);
}

function recall() {
  try {
    return sessionStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

/** @param {string} text */
function remember(text) {
  try {
    sessionStorage.setItem(key, text);
  } catch {
    // Storage may be forbidden: the links are there until the page is loaded again.
  }
}
