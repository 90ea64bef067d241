import type { AnyActorRef, Snapshot } from 'xstate';
import type { ActorListQuery, ActorPage, ActorSummary } from '#core/actor-view.ts';
import { formatTime } from '#core/rfc3339.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import { isInState } from '#telemetry/states.ts';
import { type ObservedActor, readType } from '#telemetry/transitions.ts';
import type { KuikSystem } from './system.ts';

/**
 * A page of the actors that are asked for. By type alone it costs what the page holds; whoever asks
 * for more has all actors of the type looked at, in turns of the event loop.
 */
export async function listActors(system: KuikSystem, query: ActorListQuery): Promise<ActorPage> {
  const { type, state, q, sinceMs } = query;
  const spans = spansOf(type);
  const looks = state !== undefined || q !== undefined || sinceMs !== undefined;
  return looks ? await searchActors(system, spans, query) : turnPage(system, spans, query);
}

/** A row of the list. */
export function makeRow(id: string, observed: ObservedActor): ActorSummary {
  const since = formatTime(observed.sinceMs);
  return { id, type: readType(id), state: observed.states, since };
}

/** The running actor of an id; a crashed one is not there. */
export function findActor(system: KuikSystem, id: string): AnyActorRef | undefined {
  return system.root.system.get(id) as AnyActorRef | undefined;
}

/** Ids of actors of a type, in order; of all without one. */
export function* idsOfType(system: KuikSystem, type: string | undefined): Generator<string> {
  for (const span of spansOf(type)) yield* idsIn(system, span);
}

/** Ids from `start` on and before `end`. */
interface Span {
  readonly start: string;
  readonly end?: string;
}

/** Nothing is sorted between a text and itself with this behind it. */
const smallest = '\u0000';

/** Where the ids of a type are: it alone, and with a colon and a key, after which `;` sorts next. */
function spansOf(type: string | undefined): readonly Span[] {
  if (type === undefined) return [{ start: '' }];
  if (type.includes(':')) return [];
  return [
    { start: type, end: `${type}${smallest}` },
    { start: `${type}:`, end: `${type};` },
  ];
}

function* idsIn(system: KuikSystem, { start, end }: Span): Generator<string> {
  for (const id of system.observer.sorted.from(start)) {
    if (end !== undefined && id >= end) return;
    yield id;
  }
}

function turnPage(
  system: KuikSystem,
  spans: readonly Span[],
  { cursor, limit, offset = 0 }: ActorListQuery,
): ActorPage {
  const { sorted } = system.observer;
  const rankOfEnd = ({ end }: Span) => (end === undefined ? sorted.size : sorted.rank(end));
  const counts = spans.map((span) => rankOfEnd(span) - sorted.rank(span.start));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const page = new Page(system, limit);
  let left = offset;
  for (const span of spans) {
    const rank = sorted.rank(startAfter(span, cursor));
    const count = Math.max(0, rankOfEnd(span) - rank);
    const start = left < count ? sorted.at(rank + left) : undefined;
    left = Math.max(0, left - count);
    if (start !== undefined && page.takeAll(idsIn(system, { ...span, start }))) break;
  }
  return page.end(total);
}

function startAfter({ start }: Span, cursor: string | undefined): string {
  return cursor === undefined || cursor < start ? start : `${cursor}${smallest}`;
}

async function searchActors(
  system: KuikSystem,
  spans: readonly Span[],
  query: ActorListQuery,
): Promise<ActorPage> {
  const { cursor, limit, offset = 0 } = query;
  const page = new Page(system, limit);
  let total = 0;
  let passed = 0;
  const look = (id: string) => {
    if (!isAskedFor(system, id, query)) return;
    total += 1;
    if (cursor !== undefined && id <= cursor) return;
    passed += 1;
    if (passed > offset) page.take(id);
  };
  for (const span of spans) await forEachInTurns(idsIn(system, span), look);
  return page.end(total);
}

function isAskedFor(
  system: KuikSystem,
  id: string,
  { state, q, sinceMs }: ActorListQuery,
): boolean {
  if (q !== undefined && !id.includes(q)) return false;
  if (state === undefined && sinceMs === undefined) return true;
  const observed = system.observer.get(id);
  if (observed === undefined) return false;
  if (sinceMs !== undefined && observed.sinceMs < sinceMs) return false;
  return state === undefined || isIn(observed, findActor(system, id), state);
}

/** Any active state counts, also those around the leaves. */
function isIn(observed: ObservedActor, actor: AnyActorRef | undefined, state: string): boolean {
  if (observed.states.includes(state)) return true;
  return actor !== undefined && isInState(actor.getSnapshot() as Snapshot<unknown>, state);
}

/** Rows up to a limit, and whether there are more. */
class Page {
  readonly #system: KuikSystem;
  readonly #limit: number;
  readonly #rows: ActorSummary[] = [];
  #isFull = false;

  constructor(system: KuikSystem, limit: number) {
    this.#system = system;
    this.#limit = limit;
  }

  /** False for one that has no place any more. */
  take(id: string): boolean {
    if (this.#rows.length === this.#limit) {
      this.#isFull = true;
      return false;
    }
    const observed = this.#system.observer.get(id);
    if (observed !== undefined) this.#rows.push(makeRow(id, observed));
    return true;
  }

  /** Whether it is full before they are all taken. */
  takeAll(ids: Iterable<string>): boolean {
    for (const id of ids) if (!this.take(id)) return true;
    return false;
  }

  end(total: number): ActorPage {
    const next = this.#isFull ? (this.#rows.at(-1)?.id ?? null) : null;
    return { actors: this.#rows, total, next };
  }
}
