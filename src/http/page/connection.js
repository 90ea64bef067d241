import { useEffect, useState } from './preact.js';

/**
 * What every request tells of whoever answers.
 *
 * @typedef {object} Connection
 * @property {string | null} replica Whose registries and decisions are shown.
 * @property {number | null} heardAt Wall time, ms.
 * @property {number | null} lostAt Since when nobody answers.
 */

/** @type {Connection} */
let connection = { replica: null, heardAt: null, lostAt: null };
/** @type {Set<() => void>} */
const followers = new Set();
/** How far the operator's clock is from this one's. */
let skewMs = 0;
/** The header is in whole seconds, and answers take a while. */
const skewMsMin = 3_000;

/**
 * Notes who answered.
 *
 * @param {Response} response
 */
export function heardReplica(response) {
  const theirs = Date.parse(response.headers.get('date') ?? '');
  const skew = Number.isNaN(theirs) ? 0 : theirs - Date.now();
  skewMs = Math.abs(skew) < skewMsMin ? 0 : skew;
  const replica = response.headers.get('kuik-replica') ?? connection.replica;
  change({ replica, heardAt: Date.now(), lostAt: null });
}

/**
 * Notes that nobody answered; an answer that says what is wrong is one.
 *
 * @param {unknown} error
 */
export function heardFailure(error) {
  if (!(error instanceof TypeError || error instanceof DOMException)) return;
  change({ ...connection, lostAt: connection.lostAt ?? Date.now() });
}

/** The time by the operator's clock, ms. */
export function operatorNow() {
  return Date.now() + skewMs;
}

/**
 * Who answers, as it changes.
 *
 * @returns {Connection}
 */
export function useConnection() {
  const [, setTurn] = useState(0);
  useEffect(() => {
    const tell = () => setTurn((turn) => turn + 1);
    followers.add(tell);
    tell();
    return () => {
      followers.delete(tell);
    };
  }, []);
  return connection;
}

/** @param {Connection} next */
function change(next) {
  const told =
    next.replica !== connection.replica || (next.lostAt === null) !== (connection.lostAt === null);
  connection = next;
  if (told) for (const tell of followers) tell();
}
