import { useEvents } from './events.js';
import { useAnswer } from './live.js';
import { useEffect, useRef, useState } from './preact.js';

/**
 * @typedef {import('./answers.js').Timeline} Timeline
 * @typedef {Timeline['registries'][number]} RegistryTimeline
 * @typedef {import('./answers.js').Circuit} Circuit
 * @typedef {{ readonly from: number, readonly to: number, readonly circuit: Circuit }} Span
 */

const minuteMs = 60_000;
const withStreamEveryMs = 15_000;
const withoutStreamEveryMs = 4_000;
/** The operator makes an answer once a second. */
const newsWithinMs = 1_100;

/**
 * The last hour, asked for again as soon as something happens.
 *
 * @returns {import('./live.js').Answer<Timeline> & { stream: import('./events.js').StreamState }}
 */
export function useTimeline() {
  const [everyMs, setEveryMs] = useState(withoutStreamEveryMs);
  /** @type {import('./live.js').Answer<Timeline>} */
  const answer = useAnswer('/debug/timeline', { everyMs });
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  // As it is when the time is over: the stream may open before anything was answered.
  const latest = useRef(answer);
  latest.current = answer;
  const news = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      latest.current.refresh();
    }, newsWithinMs);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  const stream = useEvents({ open: news, registry: news, decision: news, lost: news });
  useEffect(() => {
    setEveryMs(stream === 'open' ? withStreamEveryMs : withoutStreamEveryMs);
  }, [stream]);
  return { ...answer, stream };
}

/**
 * What a registry's circuit was at a time.
 *
 * @param {RegistryTimeline} registry
 * @param {number} at Wall time, ms.
 * @returns {Circuit}
 */
export function circuitAt({ circuit, changes }, at) {
  const before = changes.findLast((change) => Date.parse(change.at) <= at);
  return before?.to ?? changes[0]?.from ?? circuit;
}

/**
 * The circuits that a registry went through, oldest first.
 *
 * @param {RegistryTimeline} registry
 * @param {number} from
 * @param {number} to
 * @returns {readonly Span[]}
 */
export function spansOf(registry, from, to) {
  const edges = registry.changes
    .map(({ at }) => Date.parse(at))
    .filter((at) => at > from && at < to);
  const starts = [from, ...edges];
  return starts.map((start, index) => ({
    from: start,
    to: starts[index + 1] ?? to,
    circuit: circuitAt(registry, start),
  }));
}

/**
 * Registries to which something happened; the others were closed all the time.
 *
 * @param {Timeline} timeline
 * @returns {readonly RegistryTimeline[]}
 */
export function eventful({ registries }) {
  return registries.filter(({ circuit, changes }) => circuit !== 'Closed' || changes.length > 0);
}

/**
 * Reviews a minute, those without any too: as columns.
 *
 * @param {Timeline} timeline
 * @returns {{ at: number[], admitted: number[], rerouted: number[], unserved: number[] }}
 */
export function minutesOf({ from, to, buckets }) {
  const known = new Map(
    buckets.map((bucket) => [Math.floor(Date.parse(bucket.at) / minuteMs), bucket]),
  );
  const first = Math.floor(Date.parse(from) / minuteMs);
  const last = Math.floor(Date.parse(to) / minuteMs);
  const minutes = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return {
    at: minutes.map((minute) => minute * minuteMs),
    admitted: minutes.map((minute) => known.get(minute)?.admitted ?? 0),
    rerouted: minutes.map((minute) => known.get(minute)?.rerouted ?? 0),
    unserved: minutes.map((minute) => known.get(minute)?.unserved ?? 0),
  };
}
