import { operatorNow } from '../connection.js';
import { html, useEffect, useState } from '../preact.js';

/** One clock for all times on the page. */
const tickMs = 1_000;
/** @type {Set<() => void>} */
const followers = new Set();
/** @type {ReturnType<typeof setInterval> | undefined} */
let clock;

/**
 * How long ago something was, right to the second while it is fresh; the time itself on pointing at it.
 *
 * @param {{ at: string | number | null | undefined, suffix?: string }} props
 */
export function TimeAgo({ at, suffix = ' ago' }) {
  useTicks();
  if (at === null || at === undefined) return html`<span class="quiet">–</span>`;
  const ms = typeof at === 'number' ? at : Date.parse(at);
  if (Number.isNaN(ms)) return html`<span>${String(at)}</span>`;
  const iso = new Date(ms).toISOString();
  const passed = operatorNow() - ms;
  return html`<time datetime=${iso} title=${clockTime(ms, true)}>
    ${suffix === '' ? describeDuration(passed) : describeAgo(passed, suffix)}</time>`;
}

/**
 * `4 s ago`; `now` for what is under a second.
 *
 * @param {number} ms
 * @param {string} [suffix]
 * @returns {string}
 */
export function describeAgo(ms, suffix = ' ago') {
  return ms < 1_000 ? 'now' : `${describeDuration(ms)}${suffix}`;
}

/**
 * `4 s`, `3 min`, `2 h`, `5 d`; clocks that differ a little make no time before now.
 *
 * @param {number} ms
 * @returns {string}
 */
export function describeDuration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/**
 * The time of day where the reader is, `14:03:07`, with the date where it is wanted.
 *
 * @param {number} ms
 * @param {boolean} [withDate]
 * @returns {string}
 */
export function clockTime(ms, withDate = false) {
  const time = new Date(ms);
  const text = [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  return withDate ? `${time.toLocaleDateString()} ${text}` : text;
}

function useTicks() {
  const [, setTurn] = useState(0);
  useEffect(() => {
    const tick = () => setTurn((turn) => turn + 1);
    followers.add(tick);
    clock ??= setInterval(() => {
      if (!document.hidden) for (const follow of followers) follow();
    }, tickMs);
    return () => {
      followers.delete(tick);
      if (followers.size > 0) return;
      clearInterval(clock);
      clock = undefined;
    };
  }, []);
}
