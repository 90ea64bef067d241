import { useEffect, useState } from './preact.js';

/** Long enough to see which arrow was taken. */
const stepMs = 1_200;

/**
 * Steps that are gone through again.
 *
 * @template T
 * @typedef {object} Replay
 * @property {T | undefined} step The one that is shown; none for how it is now.
 * @property {number} index Of it; -1 for now.
 * @property {number} count
 * @property {boolean} isPlaying
 * @property {(index: number) => void} goTo Beyond the last is now.
 * @property {() => void} play From the step that is shown, else from the first.
 * @property {() => void} stop
 */

/**
 * Goes through steps, oldest first; one that is shown stays while newer ones come.
 *
 * @template {{ readonly at: string, readonly event: string, readonly to: readonly string[] }} T
 * @param {readonly T[]} steps
 * @returns {Replay<T>}
 */
export function useReplay(steps) {
  const [key, setKey] = useState(/** @type {string | null} */ (null));
  const [isPlaying, setPlaying] = useState(false);
  const index = key === null ? -1 : steps.findIndex((step) => keyOf(step) === key);
  const show = (/** @type {number} */ next) => {
    const step = steps[next];
    setKey(step === undefined ? null : keyOf(step));
    if (step === undefined) setPlaying(false);
  };
  useEffect(() => {
    if (!isPlaying) return undefined;
    const timer = setTimeout(() => show(index + 1), stepMs);
    return () => clearTimeout(timer);
  }, [isPlaying, key]);
  return {
    ...{ step: steps[index], index, count: steps.length, isPlaying },
    goTo: (next) => {
      setPlaying(false);
      show(next);
    },
    play: () => {
      if (index < 0) show(0);
      setPlaying(true);
    },
    stop: () => setPlaying(false),
  };
}

/** @param {{ readonly at: string, readonly event: string, readonly to: readonly string[] }} step */
function keyOf({ at, event, to }) {
  return `${at} ${event} ${to.join()}`;
}
