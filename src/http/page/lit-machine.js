/**
 * One arrow of a drawing.
 *
 * @typedef {{ readonly from: string, readonly to: string, readonly label: string }} Arrow
 */

/**
 * A change of states.
 *
 * @typedef {{ readonly event: string, readonly from: readonly string[], readonly to: readonly string[] }} Step
 */

/** What stands for every state of those around it. */
const any = 'Any';

/**
 * The states of a drawing that an actor is in: those that it names, and the frames around them. An
 * actor leaves out a frame that holds nothing but regions (`availability.Checking` is
 * `Tracked_availability_Checking` in the drawing).
 *
 * @param {readonly string[]} states As `/debug/actors/<id>` has them.
 * @param {readonly string[]} ids All of the drawing.
 * @returns {ReadonlySet<string>}
 */
export function litIds(states, ids) {
  return new Set(
    states.flatMap((state) => {
      const name = state.replaceAll(/\W/g, '_');
      const id = ids.includes(name) ? name : ids.find((one) => one.endsWith(`_${name}`));
      return id === undefined ? [] : framesOf(id).filter((one) => ids.includes(one));
    }),
  );
}

/**
 * The arrows that a step went along: the one of its event, and what followed at once. Where none
 * fits the event, those that join what was left to what was entered.
 *
 * @param {Step} step
 * @param {{ readonly ids: readonly string[], readonly arrows: readonly Arrow[] }} drawing
 * @returns {ReadonlySet<Arrow>}
 */
export function takenArrows({ event, from, to }, { ids, arrows }) {
  const left = from.filter((state) => !to.includes(state));
  const entered = to.filter((state) => !from.includes(state));
  const sources = withAny(litIds(left, ids));
  const targets = litIds(entered, ids);
  const leaving = arrows.filter((arrow) => sources.has(arrow.from));
  const fitting = leaving.filter(({ label }) => fits(label, event));
  return new Set(pathTo(targets, fitting, arrows) ?? pathTo(targets, leaving, []) ?? []);
}

/**
 * The first arrow that leads to a target, by itself or with those that are followed at once.
 *
 * @param {ReadonlySet<string>} targets
 * @param {readonly Arrow[]} first
 * @param {readonly Arrow[]} arrows
 * @returns {readonly Arrow[] | undefined}
 */
function pathTo(targets, first, arrows) {
  const direct = first.find(({ to }) => targets.has(to));
  if (direct !== undefined) return [direct];
  for (const arrow of first) {
    const next = arrows.find(
      ({ from, to, label }) => from === arrow.to && targets.has(to) && label.startsWith('at once'),
    );
    if (next !== undefined) return [arrow, next];
  }
  return undefined;
}

/**
 * Whether an arrow is taken due to an event: `after untilDue` due to `xstate.after.untilDue.…`,
 * `ping ended [alive]` due to the end of an effect.
 *
 * @param {string} label
 * @param {string} event
 * @returns {boolean}
 */
function fits(label, event) {
  const name = label.replace(/ \[[^\]]*\]$/, '');
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(event) ?? [];
  if (delay !== undefined) return name === `after ${delay}`;
  const [, way] = /^xstate\.(done|error)\.actor\./.exec(event) ?? [];
  if (way !== undefined) return name.endsWith(way === 'done' ? ' ended' : ' threw');
  return name === event || (event.startsWith('xstate.') && name === 'at once');
}

/** A state and the frames around it. @type {(id: string) => readonly string[]} */
function framesOf(id) {
  const parts = id.split('_');
  return parts.map((_, index) => parts.slice(0, index + 1).join('_'));
}

/** What leads out of a frame is drawn from a state of its own. @type {(ids: ReadonlySet<string>) => ReadonlySet<string>} */
function withAny(ids) {
  return new Set([any, ...[...ids].flatMap((id) => [id, `${id}_${any}`])]);
}
