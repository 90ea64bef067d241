import { urlOf } from '../live.js';
import { html, useEffect, useRef, useState } from '../preact.js';
import { ErrorNote } from './error-note.js';

/** Drawings that were fetched: they never change while a version runs. @type {Map<string, string>} */
const drawings = new Map();

/**
 * @typedef {object} Step A transition to be lit.
 * @property {readonly string[]} from
 * @property {readonly string[]} to
 */

/**
 * A machine, with the states lit that an actor is in, and the arrow by which it came there.
 *
 * @param {{ id: string, states?: readonly string[], step?: Step | undefined }} props
 */
export function MachineDrawing({ id, states = [], step }) {
  const { svg, error } = useDrawing(id);
  const [isWhole, setWhole] = useState(true);
  const frame = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    if (svg === null || frame.current === null) return;
    const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
    parsed.setAttribute('role', 'img');
    frame.current.replaceChildren(document.adoptNode(parsed));
  }, [svg]);
  useEffect(() => {
    if (frame.current !== null) light(frame.current, states, step);
  }, [svg, states.join(), step]);
  if (error !== null) return html`<${ErrorNote} error=${error} />`;
  return html`
    <figure class="machine" data-machine=${id}>
      <div
        class="machine-frame"
        data-whole=${isWhole ? 'yes' : 'no'}
        ref=${frame}
        tabindex="0"
        role="group"
        aria-label=${`Drawing of the machine ${id}`}
      ></div>
      <figcaption class="toolbar">
        <button type="button" aria-pressed=${isWhole ? 'false' : 'true'} onClick=${() => setWhole(!isWhole)}>
          Full size
        </button>
        ${states.length > 0 && html`<span>Lit: <strong>${states.join(', ')}</strong></span>`}
      </figcaption>
    </figure>
  `;
}

/** @type {(id: string) => { svg: string | null, error: string | null }} */
function useDrawing(id) {
  const [error, setError] = useState(/** @type {string | null} */ (null));
  const [, setTurn] = useState(0);
  useEffect(() => {
    setError(null);
    if (drawings.has(id)) return undefined;
    const stop = new AbortController();
    fetchDrawing(id, stop.signal).then(
      (svg) => {
        drawings.set(id, svg);
        setTurn((turn) => turn + 1);
      },
      (problem) => {
        if (!stop.signal.aborted) setError(String(problem));
      },
    );
    return () => stop.abort();
  }, [id]);
  return { svg: drawings.get(id) ?? null, error };
}

/** @type {(id: string, signal: AbortSignal) => Promise<string>} */
async function fetchDrawing(id, signal) {
  const path = `/debug/machines/${encodeURIComponent(id)}?format=svg`;
  const answer = await fetch(urlOf(path), { signal });
  if (!answer.ok) throw new Error(`there is no drawing of ${id} (${answer.status})`);
  return await answer.text();
}

/**
 * Marks states and arrows by classes; how they look is the style sheet's.
 *
 * @param {HTMLElement} frame
 * @param {readonly string[]} states
 * @param {Step | undefined} step
 */
function light(frame, states, step) {
  const lit = new Set(states.map(idOf));
  for (const node of frame.querySelectorAll('.node, .subgraph')) {
    node.classList.toggle('lit', lit.has(node.getAttribute('data-id') ?? ''));
  }
  const taken = step === undefined ? new Set() : arrowsOf(step);
  for (const edge of frame.querySelectorAll('.edge, .edge-label')) {
    const arrow = `${edge.getAttribute('data-from')} ${edge.getAttribute('data-to')}`;
    edge.classList.toggle('taken', taken.has(arrow));
  }
}

/**
 * The arrows that a transition may have gone along: from what it left, or from whatever holds that.
 *
 * @param {Step} step
 * @returns {Set<string>}
 */
function arrowsOf({ from, to }) {
  const left = from.filter((state) => !to.includes(state));
  const entered = to.filter((state) => !from.includes(state));
  const sources = left.flatMap((state) => {
    const parts = state.split('.');
    const around = parts.map((_, index) => [...parts.slice(0, index), 'Any'].join('_'));
    return [idOf(state), ...around];
  });
  return new Set(sources.flatMap((source) => entered.map((target) => `${source} ${idOf(target)}`)));
}

/** @type {(state: string) => string} */
function idOf(state) {
  return state.replaceAll(/\W/g, '_');
}
