import { operatorNow } from '../connection.js';
import { html, useEffect, useState } from '../preact.js';
import { StateBadge } from './state-badge.js';
import { clockTime, describeAgo } from './time-ago.js';

const stepSeconds = 10;
/** An hour is played in two minutes and a half. */
const frameMs = 400;
const playedSeconds = 10;

/**
 * @typedef {object} ReplayBarProps
 * @property {number} from
 * @property {number} to
 * @property {number | null} at What is looked at; `null`: what is now.
 * @property {number} beginning Where playing starts from, when it starts from now.
 * @property {boolean} isStreamed
 * @property {(at: number | null) => void} onSeek
 */

/**
 * A slider over the last hour, and a button that plays it.
 *
 * @param {ReplayBarProps} props
 */
export function ReplayBar({ from, to, at, beginning, isStreamed, onSeek }) {
  const [isPlaying, setPlaying] = useState(false);
  const seek = (/** @type {number | null} */ next) =>
    onSeek(next === null || next >= to ? null : next);
  useEffect(() => {
    if (!isPlaying) return undefined;
    if (at === null) {
      setPlaying(false);
      return undefined;
    }
    const timer = setTimeout(() => seek(at + playedSeconds * 1_000), frameMs);
    return () => clearTimeout(timer);
  }, [isPlaying, at]);
  const play = () => {
    setPlaying(!isPlaying);
    if (!isPlaying && at === null) onSeek(beginning);
  };
  const slide = (/** @type {Event} */ event) => {
    setPlaying(false);
    seek(from + Number(/** @type {HTMLInputElement} */ (event.currentTarget).value) * 1_000);
  };
  const shown = at ?? to;
  const text = at === null ? 'now' : `${clockTime(shown)}, ${describeAgo(operatorNow() - shown)}`;
  return html`
    <div class="replay" data-part="replay">
      <div class="toolbar">
        ${
          at === null
            ? html`<${StateBadge} state=${isStreamed ? 'Live' : 'Asked for'} tone=${isStreamed ? 'good' : 'busy'} />`
            : html`<${StateBadge} state="Replay" tone="warn" />`
        }
        <output class="replay-time">${text}</output>
        <button type="button" onClick=${play}>${isPlaying ? 'Stop' : 'Play'}</button>
        <button type="button" disabled=${at === null} onClick=${() => seek(null)}>Back to now</button>
      </div>
      <input
        type="range"
        aria-label="Time that is shown"
        aria-valuetext=${text}
        min="0"
        max=${Math.ceil((to - from) / 1_000 / stepSeconds) * stepSeconds}
        step=${stepSeconds}
        value=${Math.round((shown - from) / 1_000)}
        onInput=${slide}
      />
    </div>
  `;
}
