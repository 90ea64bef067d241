import type { AnyActorRef, InspectionEvent, Snapshot, Subscription } from 'xstate';
import { findActor, idsOfType } from '#actors/actor-list.ts';
import { childActors } from '#actors/child-actors.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { ActorChoice, FrameSink, InspectionPort } from '#core/inspection.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import { isInState } from '#telemetry/states.ts';
import { eventFrame, type FrameMaker, snapshotFrame } from './frames.ts';
import { actorsMax, type Seen, Viewer } from './viewer.ts';

/** Frames of the actors for whoever watches; without viewers it is not attached, and costs nothing. */
export function createInspection(system: KuikSystem): InspectionPort {
  const inspection = new Inspection(system);
  return { missing: inspection.missing, watch: inspection.watch };
}

class Inspection {
  readonly #system: KuikSystem;
  readonly #maker: FrameMaker;
  readonly #viewers = new Set<Viewer>();
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
    const viewer = new Viewer({ runtime, maker: this.#maker, choice, sink });
    this.#viewers.add(viewer);
    this.#attached ??= this.#system.root.system.inspect(this.#inspect);
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
    if (inspected.type === '@xstate.event') {
      const { event } = inspected;
      const actor = inspected.actorRef as AnyActorRef;
      const source = inspected.sourceRef as AnyActorRef | undefined;
      if (source !== undefined && event.type.startsWith('xstate.error.actor.')) {
        this.#seeCrash(source, event);
      }
      this.#show(actor, { event }, () => eventFrame(this.#maker, actor, { event, source }));
    } else if (inspected.type === '@xstate.snapshot') {
      const { event, snapshot } = inspected;
      this.#seeSnapshot(inspected.actorRef as AnyActorRef, { event, snapshot });
    }
  }

  /** A crashed actor is seen as the event that tells its parent. */
  #seeCrash(actor: AnyActorRef, event: Seen['event']): void {
    this.#seeSnapshot(actor, { event, snapshot: actor.getSnapshot() as Snapshot<unknown> });
  }

  #seeSnapshot(actor: AnyActorRef, seen: Required<Seen>): void {
    this.#show(actor, seen, () => snapshotFrame(this.#maker, actor, seen));
    if (seen.snapshot.status === 'active') return;
    for (const viewer of this.#viewers) viewer.forget(actor);
  }

  /** Chosen before it is written, and written once for all who watch. */
  #show(actor: AnyActorRef, seen: Seen, write: () => string): void {
    let frame: string | undefined;
    for (const viewer of this.#viewers) {
      if (!viewer.follows(actor, seen) || !viewer.takes(actor)) continue;
      frame ??= write();
      viewer.send(frame);
    }
  }

  #leave(viewer: Viewer): void {
    viewer.close();
    if (!this.#viewers.delete(viewer) || this.#viewers.size > 0) return;
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
