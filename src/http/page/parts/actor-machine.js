import { html } from '../preact.js';
import { MachineDrawing } from './machine-drawing.js';
import { TimeAgo } from './time-ago.js';

/**
 * @typedef {object} Transition
 * @property {string} at
 * @property {string} event
 * @property {string} eventName
 * @property {readonly string[]} from
 * @property {readonly string[]} to
 */

/**
 * @typedef {object} Actor
 * @property {string} id
 * @property {string} type
 * @property {readonly string[]} state
 * @property {string} since
 * @property {unknown} context
 * @property {readonly Transition[]} transitions Newest last.
 * @property {readonly string[]} children
 * @property {number} childrenTotal
 */

/**
 * The machine of an actor with its state lit, and its last transitions played again; `children` is
 * the heading.
 *
 * @param {{ actor: Actor, replay: import('../replay.js').Replay<Transition>, children?: unknown }} props
 */
export function ActorMachine({ actor, replay, children }) {
  const { step, index, count } = replay;
  return html`
    <div class="card-head">
      ${children}
      <${ReplayButtons} replay=${replay} />
    </div>
    <div class="card-body actor-machine">
      <div class="step">
        <p role="status" data-part="step">${
          step === undefined
            ? 'As it is now.'
            : html`${index + 1} of ${count}: <${Sentence} transition=${step} />`
        }</p>
        ${step !== undefined && html`<span class="quiet"><${TimeAgo} at=${step.at} /></span>`}
      </div>
      <${MachineDrawing}
        id=${actor.type}
        states=${step?.to ?? actor.state}
        step=${step ?? actor.transitions.at(-1)}
      />
    </div>
  `;
}

/** @param {{ replay: import('../replay.js').Replay<Transition> }} props */
function ReplayButtons({ replay }) {
  const { step, index, count, isPlaying, goTo, play, stop } = replay;
  const isNow = step === undefined;
  const before = isNow ? count - 1 : index - 1;
  const press = (/** @type {KeyboardEvent} */ event) => {
    const next = { ArrowLeft: before, ArrowRight: index + 1, Home: 0, End: count }[event.key];
    if (next === undefined || next < 0 || (isNow && event.key !== 'Home' && next !== before))
      return;
    event.preventDefault();
    goTo(next);
  };
  // Disabled buttons lose the focus, and so the keys: these only say that they are.
  return html`
    <div class="toolbar" role="group" aria-label="Replay of the last transitions; arrow keys step" onKeyDown=${press}>
      <button type="button" aria-disabled=${String(before < 0)} onClick=${() => before >= 0 && goTo(before)}>Step back</button>
      <button type="button" aria-disabled=${String(isNow)} onClick=${() => !isNow && goTo(index + 1)}>Step forward</button>
      <button type="button" aria-pressed=${String(isPlaying)} aria-disabled=${String(count === 0)} onClick=${isPlaying ? stop : play}>
        ${isPlaying ? 'Stop' : 'Play'}
      </button>
      <button type="button" aria-disabled=${String(isNow)} onClick=${() => goTo(count)}>Now</button>
    </div>
  `;
}

/** @param {{ transition: Transition }} props */
function Sentence({ transition: { eventName, from, to } }) {
  const left = from.filter((state) => !to.includes(state));
  const entered = to.filter((state) => !from.includes(state));
  return html`<strong>${eventName}</strong>: ${left.join(', ') || 'its start'} → ${entered.join(', ')}`;
}
