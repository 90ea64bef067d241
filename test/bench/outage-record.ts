import type { LoadSample } from './review-load.ts';
import { milliseconds, percentile, table } from './table.ts';

/** What a registry's actor can say of its reachability. */
export const reachabilities = ['Closed', 'Suspect', 'Open', 'HalfOpen'] as const;

/** One of them. */
export type ReachabilityName = (typeof reachabilities)[number];

/** A time that the registry's actor spent in one state; ms since the first review. */
export interface StateSpan {
  readonly state: ReachabilityName;
  readonly fromMs: number;
  readonly toMs: number;
}

/** One outage as it was seen; times in ms since the first review. */
export interface OutageRecord {
  readonly title: string;
  readonly perSecond: number;
  readonly downAtMs: number;
  readonly upAtMs: number;
  readonly endAtMs: number;
  readonly states: readonly StateSpan[];
  readonly samples: readonly LoadSample[];
}

/** What reviews of some time came to. */
export interface Stretch {
  readonly reviews: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Pods that got the image of the other registry. */
  readonly rewritten: number;
}

/** Reads the states of a registry's actor from the operator's log. */
export function readStates(
  lines: readonly string[],
  host: string,
  { startedAtMs, endAtMs }: { readonly startedAtMs: number; readonly endAtMs: number },
): readonly StateSpan[] {
  const changes = lines
    .filter((line) => line.includes('"transition"') && line.includes(`"registry:${host}"`))
    .map((line) => JSON.parse(line) as { time: string; to: readonly string[] })
    .flatMap(({ time, to }) => {
      const state = reachabilities.find((name) =>
        to.some((path) => path.split('.').at(-1) === name),
      );
      return state === undefined ? [] : [{ state, atMs: Date.parse(time) - startedAtMs }];
    });
  return changes
    .map(({ state, atMs }, index) => ({
      state,
      fromMs: Math.max(0, atMs),
      toMs: Math.min(endAtMs, changes[index + 1]?.atMs ?? endAtMs),
    }))
    .filter(({ fromMs, toMs }) => toMs >= fromMs);
}

/** What the reviews sent in a stretch of time came to. */
export function sumUp(
  { samples }: Pick<OutageRecord, 'samples'>,
  fromMs: number,
  toMs: number,
): Stretch {
  const inside = samples.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  const sorted = inside.map(({ ms }) => ms).toSorted((left, right) => left - right);
  return {
    reviews: inside.length,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? Number.NaN,
    rewritten: inside.filter(({ patched }) => patched).length,
  };
}

/** An outage second by second, with what happened in each. */
export function tellTimeline(record: OutageRecord): string {
  const { title, downAtMs, upAtMs, endAtMs, states } = record;
  const happenings = [
    { atMs: downAtMs, what: 'the registry goes down' },
    { atMs: upAtMs, what: 'the registry is back' },
    ...states.slice(1).map(({ state, fromMs }) => ({ atMs: fromMs, what: state })),
  ].toSorted((left, right) => left.atMs - right.atMs);
  const rows: string[][] = [];
  for (let fromMs = 0; fromMs < endAtMs; fromMs += 1_000) {
    const { reviews, p50Ms, maxMs, rewritten } = sumUp(record, fromMs, fromMs + 1_000);
    const now = happenings.filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 1_000);
    rows.push([
      String(fromMs / 1_000),
      String(reviews),
      milliseconds(p50Ms),
      milliseconds(maxMs),
      String(reviews - rewritten),
      String(rewritten),
      now.map(({ atMs, what }) => `at ${seconds(atMs)} ${what}`).join(', '),
    ]);
  }
  const columns = ['second', 'reviews', 'p50 ms', 'max ms', 'original', 'other', 'what happened'];
  return `${title}\n${table(columns, rows)}`;
}

/** `5.02`: seconds since the first review. */
export function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}
