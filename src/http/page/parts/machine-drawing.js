import { litIds, takenArrows } from '../lit-machine.js';
import { urlOf } from '../live.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from '../preact.js';
import { ErrorNote } from './error-note.js';

/** Drawings that were fetched: they never change while a version runs. @type {Map<string, string>} */
const drawings = new Map();

/**
 * A machine, with the states lit that an actor is in, and the arrow by which it came there; with
 * `isStill` a picture of it and nothing else.
 *
 * @param {{
 *   id: string,
 *   states?: readonly string[],
 *   step?: import('../lit-machine.js').Step | undefined,
 *   isStill?: boolean,
 * }} props
 */
export function MachineDrawing({ id, states = [], step, isStill = false }) {
  const { svg, error } = useDrawing(id);
  const [isWhole, setWhole] = useState(false);
  const frame = useRef(/** @type {HTMLElement | null} */ (null));
  useLayoutEffect(() => {
    if (svg !== null && frame.current !== null) place(frame.current, svg, isStill);
  }, [svg]);
  useLayoutEffect(() => {
    if (frame.current === null) return;
    light(frame.current, states, step);
    if (!isStill) bringIntoView(frame.current);
  }, [svg, states.join(), step && JSON.stringify(step)]);
  if (error !== null) return html`<${ErrorNote} error=${error} known=${false} />`;
  if (isStill) {
    return html`<div class="machine machine-still" data-machine=${id} ref=${frame} aria-hidden="true"></div>`;
  }
  return html`
    <figure class="machine" data-machine=${id}>
      <div
        class="machine-frame"
        data-whole=${String(isWhole)}
        ref=${frame}
        tabindex="0"
        role="group"
        aria-label=${`Drawing of the machine ${id}`}
      ></div>
      <figcaption class="toolbar">
        <button type="button" aria-pressed=${String(isWhole)} onClick=${() => setWhole(!isWhole)}>
          Fit all of it
        </button>
        ${states.length > 0 && html`<span class="quiet">Lit: ${states.join(', ')}</span>`}
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

/** @type {(frame: HTMLElement, svg: string, isStill: boolean) => void} */
function place(frame, svg, isStill) {
  const drawing = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
  drawing.setAttribute('role', 'img');
  drawing.style.setProperty('--natural-width', `${drawing.getAttribute('width')}px`);
  // Beside each other several would have the same ids, and what is only looked at needs no title.
  if (isStill) drawing.querySelector('title')?.remove();
  frame.replaceChildren(document.adoptNode(drawing));
}

/**
 * Marks states and arrows by classes; how they look is the style sheet's.
 *
 * @param {HTMLElement} frame
 * @param {readonly string[]} states
 * @param {import('../lit-machine.js').Step | undefined} step
 */
function light(frame, states, step) {
  const nodes = [...frame.querySelectorAll('.node, .subgraph')];
  const ids = nodes.map((node) => node.getAttribute('data-id') ?? '');
  const lit = litIds(states, ids);
  nodes.forEach((node, index) => {
    node.classList.toggle('lit', lit.has(ids[index] ?? ''));
  });
  const edges = [...frame.querySelectorAll('.edge, .edge-label')].map((edge) => ({
    ...{ edge, from: edge.getAttribute('data-from') ?? '', to: edge.getAttribute('data-to') ?? '' },
    label: edge.getAttribute('data-label') ?? '',
  }));
  const arrows = edges.filter(({ edge }) => edge.classList.contains('edge'));
  const taken = new Set(
    [...(step === undefined ? [] : takenArrows(step, { ids, arrows }))].map(keyOf),
  );
  for (const { edge, ...arrow } of edges) edge.classList.toggle('taken', taken.has(keyOf(arrow)));
  // What is lit stands before what is not.
  for (const { edge } of edges) {
    if (edge.matches('.edge.taken')) edge.parentNode?.insertBefore(edge, edgesEnd(frame));
  }
}

/** A drawing that is larger than its frame is scrolled to what is lit in it. @param {HTMLElement} frame */
function bringIntoView(frame) {
  const lit = [...frame.querySelectorAll('.node.lit')].map((node) => node.getBoundingClientRect());
  const [first] = lit;
  if (first === undefined) return;
  const { left, right, top, bottom } = frame.getBoundingClientRect();
  const isSeen = lit.every(
    (box) => box.left >= left && box.right <= right && box.top >= top && box.bottom <= bottom,
  );
  if (isSeen) return;
  frame.scrollBy(
    (first.left + first.right - left - right) / 2,
    (first.top + first.bottom - top - bottom) / 2,
  );
}

/** @type {(arrow: import('../lit-machine.js').Arrow) => string} */
function keyOf({ from, to, label }) {
  return JSON.stringify([from, to, label]);
}

/** Labels and states stand before all lines. @type {(frame: HTMLElement) => Element | null} */
function edgesEnd(frame) {
  return frame.querySelector('.edge-label');
}
