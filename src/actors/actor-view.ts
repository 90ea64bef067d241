import type { AnyActorRef, Snapshot } from 'xstate';
import type {
  ActorDetail,
  ActorListQuery,
  ActorPage,
  ActorSummary,
  ActorView,
} from '#core/actor-view.ts';
import { formatTime } from '#core/rfc3339.ts';
import { redact } from '#telemetry/log.ts';
import { stateNamesOf, statesOf } from '#telemetry/states.ts';
import { type ObservedActor, readType } from '#telemetry/transitions.ts';
import type { BrokenChild } from './supervisor.ts';
import type { KuikSystem } from './system.ts';

/** Makes the view of a system; it reads snapshots and changes nothing. */
export function createActorView(system: KuikSystem): ActorView {
  return {
    list: (query) => listActors(system, query),
    get: (id) => showActor(system, id),
    leader: system.leader,
  };
}

function listActors(system: KuikSystem, query: ActorListQuery): ActorPage {
  const { cursor, limit } = query;
  const ids = [...system.observer.ids()].filter((id) => isAskedFor(system, id, query)).sort();
  const after = cursor === undefined ? ids : ids.filter((id) => id > cursor);
  const actors = after.slice(0, limit).flatMap((id) => readRow(system, id) ?? []);
  const next = after.length > limit ? (actors.at(-1)?.id ?? null) : null;
  return { actors, total: ids.length, next };
}

function isAskedFor(system: KuikSystem, id: string, { type, state, q }: ActorListQuery): boolean {
  const isNamed =
    (type === undefined || readType(id) === type) && (q === undefined || id.includes(q));
  if (!isNamed || state === undefined) return isNamed;
  const observed = system.observer.get(id);
  return observed !== undefined && isIn(observed, findActor(system, id), state);
}

function readRow(system: KuikSystem, id: string): ActorSummary | undefined {
  const observed = system.observer.get(id);
  return observed === undefined ? undefined : makeRow(id, observed);
}

function makeRow(id: string, observed: ObservedActor): ActorSummary {
  const since = formatTime(observed.sinceMs);
  return { id, type: readType(id), state: observed.states, since };
}

/** Any active state counts, also those around the leaves. */
function isIn(observed: ObservedActor, actor: AnyActorRef | undefined, state: string): boolean {
  if (observed.states.includes(state)) return true;
  return actor !== undefined && stateNamesOf(actor.getSnapshot()).has(state);
}

function findActor(system: KuikSystem, id: string): AnyActorRef | undefined {
  return system.root.system.get(id) as AnyActorRef | undefined;
}

function showActor(system: KuikSystem, id: string): ActorDetail | undefined {
  const observed = system.observer.get(id);
  if (observed === undefined) return undefined;
  const snapshot = findActor(system, id)?.getSnapshot() as Snapshot<unknown> | undefined;
  const transitions = observed.transitions.map(({ atMs, ...change }) => ({
    at: formatTime(atMs),
    ...change,
  }));
  const context = snapshot === undefined ? showBroken(system, id) : showContext(snapshot);
  const children = snapshot === undefined ? [] : listChildren(snapshot);
  return { ...makeRow(id, observed), context, transitions, children };
}

/** A machine's context, else what there is to say about an actor that has none. */
function showContext(snapshot: Snapshot<unknown>): unknown {
  if ('context' in snapshot) return redact(snapshot.context);
  const broken = 'broken' in snapshot && snapshot.broken instanceof Map ? snapshot.broken.size : 0;
  return { state: statesOf(snapshot), children: listChildren(snapshot).length, broken };
}

/** Why a crashed actor is not there, and when it is tried again. */
function showBroken(system: KuikSystem, id: string): unknown {
  for (const supervisor of listSupervisors(system)) {
    for (const child of supervisor.values()) {
      if (child.id !== id) continue;
      const { error, crashes } = child;
      return redact({ error: error instanceof Error ? error.message : String(error), crashes });
    }
  }
  return {};
}

/** The crashed children of the root and of each supervisor on it: none stand deeper that crash. */
function listSupervisors(system: KuikSystem): readonly ReadonlyMap<string, BrokenChild>[] {
  const snapshot = system.root.getSnapshot();
  const snapshots = [...snapshot.children.values()].map((child) => child.getSnapshot());
  return [snapshot, ...snapshots]
    .map((each) => ('broken' in each ? each.broken : undefined))
    .filter((broken) => broken instanceof Map);
}

/** Children that have an id of their own; effects in flight have none. */
function listChildren(snapshot: Snapshot<unknown>): readonly string[] {
  if (!('children' in snapshot)) return [];
  const { children } = snapshot as {
    children: Map<string, AnyActorRef> | Record<string, AnyActorRef>;
  };
  const refs = children instanceof Map ? [...children.values()] : Object.values(children);
  return refs.filter((ref) => 'systemId' in ref && ref.systemId !== undefined).map((ref) => ref.id);
}
