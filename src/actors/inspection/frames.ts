import type { AnyActorRef, AnyEventObject, AnyStateMachine, Snapshot } from 'xstate';
import { systemIdOf } from '#actors/child-actors.ts';
import { noticeActor } from '#core/inspection.ts';
import { showContext, showEvent, showLogic } from './shown-context.ts';

/** What frames are made with. */
export interface FrameMaker {
  /** Wall time in ms. */
  readonly now: () => number;
  readonly rootId: string;
}

/** An actor that comes into view; its machine's chart with it, unless the viewer has that already. */
export function actorFrame(
  { now, rootId }: FrameMaker,
  actor: AnyActorRef,
  { parentId, withChart }: { readonly parentId: string | undefined; readonly withChart: boolean },
): string {
  const machine = machineOf(actor);
  const name = systemIdOf(actor) ?? actor.id;
  const definition = machine ? chartOf(machine) : JSON.stringify({ id: name });
  const frame = {
    ...head('@xstate.actor', now, rootId),
    ...{ sessionId: actor.sessionId, parentId, name },
    ...(machine !== undefined && { machine: machine.id }),
    ...(withChart && { definition }),
  };
  return withSnapshot(frame, actor, actor.getSnapshot() as Snapshot<unknown>);
}

/** An event on its way to an actor. */
export function eventFrame(
  { now, rootId }: FrameMaker,
  actor: AnyActorRef,
  { event, source }: { readonly event: AnyEventObject; readonly source: AnyActorRef | undefined },
): string {
  return JSON.stringify({
    ...head('@xstate.event', now, rootId),
    ...{ sessionId: actor.sessionId, sourceId: source?.sessionId, event: showEvent(event) },
  });
}

/** Where an actor is after an event. */
export function snapshotFrame(
  { now, rootId }: FrameMaker,
  actor: AnyActorRef,
  { event, snapshot }: { readonly event: AnyEventObject; readonly snapshot: Snapshot<unknown> },
): string {
  const frame = {
    ...head('@xstate.snapshot', now, rootId),
    ...{ sessionId: actor.sessionId, event: showEvent(event) },
  };
  return withSnapshot(frame, actor, snapshot);
}

/** The actor that tells a viewer what it cannot see: the protocol has no other place for that. */
export function noticeActorFrame({ now, rootId }: FrameMaker): string {
  return JSON.stringify({
    ...head('@xstate.actor', now, rootId),
    ...{ sessionId: noticeActor, name: noticeActor },
    ...{ definition: JSON.stringify({ id: noticeActor }), snapshot: { status: 'active' } },
  });
}

/** Something that a viewer is told, as an event of that actor. */
export function noticeFrame({ now, rootId }: FrameMaker, event: AnyEventObject): string {
  return JSON.stringify({
    ...head('@xstate.event', now, rootId),
    ...{ sessionId: noticeActor, event },
  });
}

/** The machine that an actor runs, if it runs one. */
export function machineOf(actor: AnyActorRef): AnyStateMachine | undefined {
  const { logic } = actor as { readonly logic?: object };
  return logic !== undefined && 'config' in logic && 'root' in logic
    ? (logic as AnyStateMachine)
    : undefined;
}

/** The version of `@statelyai/inspect` whose frames these are; a test compares the two. */
export const protocolVersion = '0.7.2';

function head(type: string, now: () => number, rootId: string) {
  return { type, _version: protocolVersion, createdAt: String(now()), id: null, rootId };
}

/** A context that makes more of a frame is none to look at: machines hold keys and plans. */
const frameCharactersMax = 65_536;

function withSnapshot(frame: object, actor: AnyActorRef, snapshot: Snapshot<unknown>): string {
  const { status } = snapshot;
  const machine = machineOf(actor);
  if (machine === undefined) {
    return JSON.stringify({ ...frame, snapshot: { status, context: showLogic(snapshot) } });
  }
  const { value, context } = snapshot as unknown as { value: unknown; context: unknown };
  const shown = { status, value, context: showContext(machine.id, context) };
  const text = JSON.stringify({ ...frame, snapshot: shown });
  if (text.length <= frameCharactersMax) return text;
  return JSON.stringify({ ...frame, snapshot: { status, value, context: { cut: 'too long' } } });
}

/** A chart does not change while the process runs, whoever is given its implementations. */
const charts = new Map<string, string>();

function chartOf({ id, config }: AnyStateMachine): string {
  const known = charts.get(id);
  if (known !== undefined) return known;
  const chart = JSON.stringify(config, nameFunctions);
  charts.set(id, chart);
  return chart;
}

/** Functions by their names, as `@statelyai/inspect` writes them. */
function nameFunctions(_: string, value: unknown): unknown {
  return typeof value === 'function' ? { type: value.name } : value;
}
