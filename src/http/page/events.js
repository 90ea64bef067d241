import { urlOf } from './live.js';
import { useEffect, useRef, useState } from './preact.js';

/**
 * What happens, as it happens: one stream for the page, open while somebody looks. There are few
 * places (the operator has 32): a page in the background gives its own away.
 *
 * @typedef {'connecting' | 'open' | 'refused'} StreamState
 * @typedef {(data: any) => void} Heard
 */

const names = /** @type {const} */ (['decision', 'registry', 'leader', 'lost']);
/** @typedef {(typeof names)[number]} EventName */

/** The browser connects again by itself after a break, but not after a refusal. */
const retryMs = 15_000;

/** @type {Set<Follower>} */
const followers = new Set();
/** @type {EventSource | undefined} */
let source;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let retry;
/** @type {StreamState} */
let state = 'connecting';

/**
 * @typedef {object} Follower
 * @property {(name: EventName, data: unknown) => void} hear
 * @property {(state: StreamState) => void} tell
 */

/**
 * Calls back with what happens; `open` is called each time the stream begins: what happened before
 * has to be asked for.
 *
 * @param {Partial<Record<EventName | 'open', Heard>>} handlers
 * @returns {StreamState}
 */
export function useEvents(handlers) {
  const [current, setCurrent] = useState(state);
  const latest = useRef(handlers);
  latest.current = handlers;
  useEffect(() => {
    /** @type {Follower} */
    const follower = {
      hear: (name, data) => latest.current[name]?.(data),
      tell: (next) => {
        setCurrent(next);
        if (next === 'open') latest.current.open?.(null);
      },
    };
    followers.add(follower);
    connect();
    document.addEventListener('visibilitychange', connect);
    return () => {
      followers.delete(follower);
      if (followers.size > 0) return;
      document.removeEventListener('visibilitychange', connect);
      disconnect();
    };
  }, []);
  return current;
}

function connect() {
  if (document.hidden || followers.size === 0) {
    disconnect();
    return;
  }
  if (source !== undefined) return;
  clearTimeout(retry);
  const opened = new EventSource(urlOf('/debug/events'));
  source = opened;
  opened.onopen = () => change('open');
  opened.onerror = () => {
    const isRefused = opened.readyState === EventSource.CLOSED;
    change(isRefused ? 'refused' : 'connecting');
    if (!isRefused) return;
    disconnect();
    retry = setTimeout(connect, retryMs);
  };
  for (const name of names) {
    opened.addEventListener(name, (event) => {
      const data = JSON.parse(/** @type {MessageEvent} */ (event).data);
      for (const { hear } of followers) hear(name, data);
    });
  }
}

function disconnect() {
  clearTimeout(retry);
  source?.close();
  source = undefined;
}

/** @param {StreamState} next */
function change(next) {
  state = next;
  for (const { tell } of followers) tell(next);
}
