import { useEvents } from './events.js';
import { useAnswer } from './live.js';
import { useMemo, useState } from './preact.js';

/**
 * @typedef {import('./answers.js').ShownReview} ShownReview
 * @typedef {object} DecisionStream
 * @property {readonly ShownReview[]} reviews Newest first.
 * @property {string | null} error
 * @property {boolean} isKnown Whether there was an answer.
 * @property {number} forgotten What the replica does not remember any more.
 * @property {number} lost Events that did not reach a page that was slow.
 * @property {import('./events.js').StreamState} stream
 */

/** What the operator remembers, and more than anybody reads. */
const keptMax = 500;
/** Where there is no stream, it is asked for. */
const withoutStreamEveryMs = 4_000;

/**
 * Decisions as they come, beside those that were before: what the replica remembers is asked for once
 * and whenever the stream begins anew, the rest is heard.
 *
 * @param {string} filter
 * @returns {DecisionStream}
 */
export function useDecisions(filter) {
  const [heard, setHeard] = useState(/** @type {readonly ShownReview[]} */ ([]));
  const [lost, setLost] = useState(0);
  const [everyMs, setEveryMs] = useState(withoutStreamEveryMs);
  const q = filter.trim();
  const path = `/debug/decisions?limit=200${q === '' ? '' : `&q=${encodeURIComponent(q)}`}`;
  /** @type {import('./live.js').Answer<import('./answers.js').DecisionPage>} */
  const { value, error, refresh } = useAnswer(path, { everyMs });
  const stream = useEvents({
    open: () => {
      setEveryMs(0);
      refresh();
    },
    decision: (/** @type {ShownReview} */ review) =>
      setHeard((before) => [review, ...before].slice(0, keptMax)),
    lost: (/** @type {{ count: number }} */ { count }) => {
      setLost((before) => before + count);
      refresh();
    },
  });
  if (stream !== 'open' && everyMs === 0) setEveryMs(withoutStreamEveryMs);
  const reviews = useMemo(() => merge(heard, value?.decisions ?? [], q), [heard, value, q]);
  const forgotten = value?.forgotten ?? 0;
  return { reviews, error, isKnown: value !== null, forgotten, lost, stream };
}

/** @type {(heard: readonly ShownReview[], asked: readonly ShownReview[], q: string) => readonly ShownReview[]} */
function merge(heard, asked, q) {
  // As the operator does it.
  const wanted = q.toLowerCase();
  const matches = (/** @type {string} */ text) => text.toLowerCase().includes(wanted);
  const all = new Map(
    [...asked, ...heard.filter((review) => matches(textOf(review)))].map((review) => [
      keyOf(review),
      review,
    ]),
  );
  return [...all.values()]
    .toSorted((left, right) => right.at.localeCompare(left.at) || right.id - left.id)
    .slice(0, keptMax);
}

/**
 * Numbers begin anew when the operator does.
 *
 * @param {ShownReview} review
 * @returns {string}
 */
export function keyOf({ id, at }) {
  return `${at} ${id}`;
}

/** @type {(review: ShownReview) => string} */
function textOf({ namespace, pod, owner, containers }) {
  const images = containers.map(({ image, winner, by, reason }) =>
    [image, winner, by, reason].join(' '),
  );
  return `${namespace}/${pod} ${owner} ${images.join(' ')}`;
}

/**
 * What came of a review, by the container that fared worst.
 *
 * @param {ShownReview} review
 * @returns {'unserved' | 'rerouted' | 'kept'}
 */
export function outcomeOf({ containers }) {
  if (containers.some(({ reason }) => reason === 'NothingAvailable')) return 'unserved';
  return containers.some(({ rewritten }) => rewritten) ? 'rerouted' : 'kept';
}
