import type { Snapshot } from 'xstate';
import { type ActorDetail, type ActorView, childrenMax } from '#core/actor-view.ts';
import { formatTime } from '#core/rfc3339.ts';
import { redact } from '#telemetry/log.ts';
import { statesOf } from '#telemetry/states.ts';
import { findActor, listActors, makeRow } from './actor-list.ts';
import { namedChildren } from './child-actors.ts';
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

function showActor(system: KuikSystem, id: string): ActorDetail | undefined {
  const observed = system.observer.get(id);
  if (observed === undefined) return undefined;
  const snapshot = findActor(system, id)?.getSnapshot() as Snapshot<unknown> | undefined;
  const transitions = observed.transitions.map(({ atMs, ...change }) => ({
    at: formatTime(atMs),
    ...change,
  }));
  const context = snapshot === undefined ? showBroken(system, id) : showContext(snapshot);
  const { names, total } =
    snapshot === undefined ? { names: [], total: 0 } : namedChildren(snapshot, childrenMax);
  return {
    ...makeRow(id, observed),
    ...{ context, transitions, children: names, childrenTotal: total },
  };
}

/** A machine's context, else what there is to say about an actor that has none. */
function showContext(snapshot: Snapshot<unknown>): unknown {
  if ('context' in snapshot) return redact(snapshot.context);
  const broken = 'broken' in snapshot && snapshot.broken instanceof Map ? snapshot.broken.size : 0;
  return { state: statesOf(snapshot), children: namedChildren(snapshot, 0).total, broken };
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
