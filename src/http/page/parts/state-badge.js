import { html } from '../preact.js';

/** @typedef {'good' | 'busy' | 'warn' | 'bad' | 'idle'} Tone */

/** What a state means to somebody who looks for trouble. @type {Readonly<Record<string, Tone>>} */
const tones = {
  Closed: 'good',
  Available: 'good',
  Leading: 'good',
  Serving: 'good',
  Live: 'good',
  Free: 'idle',
  Idle: 'idle',
  Scheduled: 'idle',
  Unused: 'idle',
  Waiting: 'idle',
  Following: 'idle',
  Tracked: 'idle',
  Used: 'idle',
  Checking: 'busy',
  Copying: 'busy',
  Working: 'busy',
  Planning: 'busy',
  Taking: 'busy',
  Settling: 'busy',
  Acquiring: 'busy',
  Issuing: 'busy',
  Renewing: 'busy',
  Loading: 'busy',
  Releasing: 'busy',
  Deleting: 'busy',
  Finalizing: 'busy',
  Suspect: 'warn',
  HalfOpen: 'warn',
  Throttled: 'warn',
  Held: 'warn',
  BackingOff: 'warn',
  Expired: 'warn',
  QuotaExceeded: 'warn',
  Open: 'bad',
  Failed: 'bad',
  Broken: 'bad',
  NotFound: 'bad',
  Unreachable: 'bad',
  NoAnswer: 'bad',
  InvalidAuth: 'bad',
  UnavailableSecret: 'bad',
};

/** Each tone has a shape of its own: no information is by colour alone. */
const shapes = {
  good: 'M6 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z',
  busy: 'M6 1.5a4.5 4.5 0 0 1 0 9zM6 1.5a4.5 4.5 0 0 0 0 9v-1.4a3.1 3.1 0 0 1 0-6.2z',
  warn: 'M6 1 11.5 10.7H.5z',
  bad: 'M2 2h8v8H2z',
  idle: 'M6 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zm0 1.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
};

const words = new Map([
  ['HalfOpen', 'Half open'],
  ['NoAnswer', 'No answer'],
  ['BackingOff', 'Backing off'],
  ['NotFound', 'Not found'],
  ['SetAside', 'Set aside'],
  ['NotAsked', 'Not asked'],
  ['InvalidAuth', 'Invalid auth'],
  ['QuotaExceeded', 'Quota exceeded'],
  ['UnavailableSecret', 'Unavailable Secret'],
]);

/**
 * A state, or several where regions are parallel (`availability.Checking`): text with a shape and a colour.
 *
 * @param {{ state: string | readonly string[], tone?: Tone }} props
 */
export function StateBadge({ state, tone }) {
  const states = typeof state === 'string' ? [state] : state;
  return html`<span class="badges">
    ${states.map((one) => html`<${Badge} state=${one} tone=${tone ?? toneOf(one)} />`)}
  </span>`;
}

/**
 * What a state means, by its last part.
 *
 * @param {string} state
 * @returns {Tone}
 */
export function toneOf(state) {
  return tones[state.slice(state.lastIndexOf('.') + 1)] ?? 'idle';
}

/**
 * The shape of a tone, for drawings of 12 by 12.
 *
 * @param {Tone} tone
 * @returns {string}
 */
export function shapeOf(tone) {
  return shapes[tone];
}

/** @param {{ state: string, tone: Tone }} props */
function Badge({ state, tone }) {
  const name = state.slice(state.lastIndexOf('.') + 1);
  return html`<span class="badge" data-tone=${tone} data-state=${state} title=${state}>
    <svg viewBox="0 0 12 12" aria-hidden="true"><path fill-rule="evenodd" d=${shapes[tone]} /></svg>${words.get(name) ?? name}
  </span>`;
}
