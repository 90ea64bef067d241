import type { AnyActorRef, InspectionEvent, Snapshot, Subscription } from 'xstate';
import { findActor, idsOfType } from '#actors/actor-list.ts';
import { childActors } from '#actors/child-actors.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { ActorChoice, FrameSink, InspectionPort } from '#core/inspection.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import { isInState } from '#telemetry/states.ts';
import { eventFrame, type FrameMaker, snapshotFrame } from './frames.ts';
import { actorsMax, type Seen, Viewer } from './viewer.ts';
import { Watchers } from './watchers.ts';

/** Frames of the actors for whoever watches; without viewers it is not attached, and costs nothing. */
export function createInspection(system: KuikSystem): InspectionPort {
  const inspection = new Inspection(system);
  return { missing: inspection.missing, watch: inspection.watch };
}

class Inspection {
  readonly #system: KuikSystem;
  readonly #maker: FrameMaker;
  readonly #viewers = new Set<Viewer>();
  readonly #watchers = new Watchers();
  #followsStates = false;
  #attached: Subscription | undefined;

  constructor(system: KuikSystem) {
    this.#system = system;
    this.#maker = { now: system.runtime.now, rootId: system.root.sessionId };
  }

  readonly missing = (choice: ActorChoice): string | undefined =>
    choice.kind === 'ids'
      ? choice.ids.find((id) => this.#system.observer.get(id) === undefined)
      : undefined;

  readonly watch = (choice: ActorChoice, sink: FrameSink): (() => void) => {
    const { runtime } = this.#system;
    const viewer = new Viewer({
      ...{ runtime, maker: this.#maker, choice, sink, watchers: this.#watchers },
    });
    this.#enter(viewer);
    forEachInTurns(this.#present(choice, viewer), (actor) => viewer.show(actor)).catch(
      (error: unknown) => this.#fail(error),
    );
    return () => this.#leave(viewer);
  };

  /** What is there when a viewer comes, until it watches enough or is gone. */
  *#present(choice: ActorChoice, viewer: Viewer): Generator<AnyActorRef> {
    const chosen =
      choice.kind === 'ids'
        ? withChildren(choice.ids.flatMap((id) => findActor(this.#system, id) ?? []))
        : this.#ofType(choice);
    for (const actor of chosen) {
      if (!this.#viewers.has(viewer)) return;
      yield actor;
      // One more is asked for than there is room: so the viewer learns that there are more.
      if (viewer.watching >= actorsMax && !viewer.show(actor)) return;
    }
  }

  *#ofType({ type, state }: Extract<ActorChoice, { kind: 'type' }>): Generator<AnyActorRef> {
    for (const id of idsOfType(this.#system, type)) {
      const actor = findActor(this.#system, id);
      if (actor === undefined) continue;
      if (state === undefined || isInState(actor.getSnapshot() as Snapshot<unknown>, state)) {
        yield actor;
      }
    }
  }

  /** What it is told happens in the middle of a transition: it must do no harm, and be quick. */
  readonly #inspect = (inspected: InspectionEvent): void => {
    try {
      this.#see(inspected);
    } catch (error) {
      this.#fail(error);
    }
  };

  #see(inspected: InspectionEvent): void {
    const actor = inspected.actorRef as AnyActorRef;
    if (inspected.type === '@xstate.event') {
      const { type } = inspected.event;
      if (type === 'xstate.init') this.#consider(actor, inspected);
      else if (type.startsWith('xstate.error.actor.')) this.#seeCrash(inspected);
      this.#show(actor, inspected);
    } else if (inspected.type === '@xstate.snapshot') {
      if (this.#followsStates) this.#consider(actor, inspected);
      this.#show(actor, inspected);
    }
  }

  #consider(actor: AnyActorRef, seen: Seen): void {
    for (const viewer of this.#viewers) viewer.consider(actor, seen);
  }

  /** A crashed actor is seen as the event that tells its parent. */
  #seeCrash({ sourceRef, event }: Seen): void {
    const actor = sourceRef as AnyActorRef | undefined;
    if (actor !== undefined) this.#show(actor, { event, snapshot: actor.getSnapshot() });
  }

  /** Chosen before anything is made of it, and written once for all who watch. */
  #show(actor: AnyActorRef, seen: Seen): void {
    const viewers = this.#watchers.of(actor);
    if (viewers === undefined) return;
    let frame: string | undefined;
    for (const viewer of viewers) {
      if (viewer.takes(actor)) {
        frame ??= this.#write(actor, seen);
        viewer.send(frame);
      }
      if (seen.snapshot !== undefined && seen.snapshot.status !== 'active') viewer.forget(actor);
    }
  }

  #write(actor: AnyActorRef, { event, snapshot, sourceRef }: Seen): string {
    if (snapshot !== undefined) return snapshotFrame(this.#maker, actor, { event, snapshot });
    const source = sourceRef as AnyActorRef | undefined;
    return eventFrame(this.#maker, actor, { event, source });
  }

  #enter(viewer: Viewer): void {
    this.#viewers.add(viewer);
    this.#followsStates ||= viewer.followsStates;
    this.#attached ??= this.#system.root.system.inspect(this.#inspect);
  }

  #leave(viewer: Viewer): void {
    viewer.close();
    if (!this.#viewers.delete(viewer)) return;
    this.#followsStates = [...this.#viewers].some((one) => one.followsStates);
    if (this.#viewers.size > 0) return;
    this.#attached?.unsubscribe();
    this.#attached = undefined;
  }

  #fail(error: unknown): void {
    this.#system.runtime.log.error({ err: error }, 'the frames of actors failed');
    for (const viewer of this.#viewers) {
      viewer.end('a fault of our own: see the log');
      this.#leave(viewer);
    }
  }
}

/** Actors, what they started and what that started, parents first. */
function* withChildren(actors: Iterable<AnyActorRef>): Generator<AnyActorRef> {
  const rows: Iterable<AnyActorRef>[] = [actors];
  for (const row of rows) {
    for (const actor of row) {
      yield actor;
      rows.push(childActors(actor.getSnapshot() as Snapshot<unknown>));
    }
  }
}
