import type { ActorRefLike, AnyActorRef, AnyEventObject, Snapshot } from 'xstate';
import { systemIdOf } from '#actors/child-actors.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { ActorChoice, FrameSink } from '#core/inspection.ts';
import { isInState } from '#telemetry/states.ts';
import { readType } from '#telemetry/transitions.ts';
import {
  actorFrame,
  type FrameMaker,
  machineOf,
  noticeActorFrame,
  noticeFrame,
  snapshotFrame,
} from './frames.ts';
import type { Watchers } from './watchers.ts';

/** Actors that one viewer watches: more than that nobody looks at, or can draw. */
export const actorsMax = 500;
/** Frames a second for one viewer: a person sees less, and each takes 10 us of the event loop. */
export const framesPerSecondMax = 200;
/** Frames at once after a rest: all actors that may be watched, and what happens meanwhile. */
export const burstFramesMax = actorsMax + 100;
/** Bytes handed over and not sent: beyond that a viewer reads too slowly for what it watches. */
export const bufferedBytesMax = 1_048_576;
/** How long after the first frame that was lost a viewer is told of it, ms. */
export const tellDelayMs = 1_000;

/** What has just happened to an actor, as XState tells it. */
export interface Seen {
  readonly event: AnyEventObject;
  /** Where the actor is after the event; absent while the event is on its way to it. */
  readonly snapshot?: Snapshot<unknown>;
  /** Who sent the event. */
  readonly sourceRef?: ActorRefLike | undefined;
}

/**
 * One viewer: which actors it watches, and how much it takes. What is too much for it is lost; it is
 * told how much that was, and where the actors concerned are by then.
 */
export class Viewer {
  readonly #runtime: Pick<Runtime, 'clock'>;
  readonly #maker: FrameMaker;
  readonly #choice: ActorChoice;
  readonly #sink: FrameSink;
  readonly #watchers: Watchers;
  readonly #watched = new Set<AnyActorRef>();
  /** Machines whose chart it was given. */
  readonly #charts = new Set<string>();
  /** Actors of which it lost a frame since it was told where they are. */
  readonly #outdated = new Set<AnyActorRef>();
  #lost = 0;
  #lostInAll = 0;
  #isFull = false;
  #cancelTelling: (() => void) | undefined;
  #hasNoticeActor = false;
  #frames = burstFramesMax;
  #framesAtMs: number;

  constructor({ runtime, maker, choice, sink, watchers }: ViewerOptions) {
    this.#watchers = watchers;
    this.#runtime = runtime;
    this.#maker = maker;
    this.#choice = choice;
    this.#sink = sink;
    this.#framesAtMs = runtime.clock.now();
  }

  /** How many actors it watches now. */
  get watching(): number {
    return this.#watched.size;
  }

  /** Whether actors come into its view by what state they come to, not only when they begin. */
  get followsStates(): boolean {
    return this.#choice.kind === 'type' && this.#choice.state !== undefined;
  }

  /** Watches an actor from now on if it has just come to be one of the chosen. */
  consider(actor: AnyActorRef, seen: Seen): void {
    if (!this.#watched.has(actor) && this.#comesIntoView(actor, seen)) this.show(actor);
  }

  /** Watches an actor that is there; false where there is no room for one more. */
  show(actor: AnyActorRef): boolean {
    if (this.#watched.has(actor)) return true;
    if (this.#watched.size >= actorsMax) {
      if (!this.#isFull) this.#tellLater();
      this.#isFull = true;
      return false;
    }
    if (!this.#mayTake()) {
      this.#lose();
      return false;
    }
    this.#watched.add(actor);
    this.#watchers.add(actor, this);
    const machine = machineOf(actor)?.id;
    const withChart = machine === undefined || !this.#charts.has(machine);
    if (machine !== undefined) this.#charts.add(machine);
    const parent = actor._parent;
    const isShown = parent !== undefined && this.#watched.has(parent);
    this.#sink.send(
      actorFrame(this.#maker, actor, {
        ...{ parentId: isShown ? parent.sessionId : undefined, withChart },
      }),
    );
    return true;
  }

  /** An actor that has ended makes room for another; how it ended is told where that was lost. */
  forget(actor: AnyActorRef): void {
    this.#watched.delete(actor);
    this.#watchers.delete(actor, this);
  }

  /** Whether it may be sent a frame about an actor; if not, the frame counts as lost. */
  takes(actor: AnyActorRef): boolean {
    if (this.#mayTake()) return true;
    if (this.#outdated.size < actorsMax) this.#outdated.add(actor);
    this.#lose();
    return false;
  }

  /** Sends a frame that it takes. */
  send(frame: string): void {
    this.#sink.send(frame);
  }

  /** Ends it, for a reason. */
  end(reason: string): void {
    this.close();
    this.#sink.end(reason);
  }

  /** Nothing is sent any more. */
  close(): void {
    this.#cancelTelling?.();
    for (const actor of this.#watched) this.forget(actor);
    this.#outdated.clear();
  }

  #comesIntoView(actor: AnyActorRef, seen: Seen): boolean {
    const begins = seen.snapshot === undefined && seen.event.type === 'xstate.init';
    const choice = this.#choice;
    if (choice.kind === 'ids') return begins && this.#isBelow(actor, choice.ids);
    if (choice.state === undefined) return begins && isOfType(actor, choice.type);
    if (seen.snapshot?.status !== 'active' || !isOfType(actor, choice.type)) return false;
    return isInState(seen.snapshot, choice.state);
  }

  /** One of the chosen that is started anew, or one that an actor in view has started. */
  #isBelow(actor: AnyActorRef, ids: readonly string[]): boolean {
    const parent = actor._parent;
    if (parent !== undefined && this.#watched.has(parent)) return true;
    const id = systemIdOf(actor);
    return id !== undefined && ids.includes(id);
  }

  #lose(): void {
    this.#lost += 1;
    this.#tellLater();
  }

  #mayTake(): boolean {
    if (this.#frames < 1) this.#refill();
    if (this.#frames < 1 || this.#sink.bufferedBytes() > bufferedBytesMax) return false;
    this.#frames -= 1;
    return true;
  }

  #refill(): void {
    const nowMs = this.#runtime.clock.now();
    const earned = ((nowMs - this.#framesAtMs) / 1_000) * framesPerSecondMax;
    this.#frames = Math.min(burstFramesMax, this.#frames + earned);
    this.#framesAtMs = nowMs;
  }

  #tellLater(): void {
    if (this.#cancelTelling !== undefined) return;
    this.#cancelTelling = this.#runtime.clock.after(tellDelayMs, () => {
      this.#cancelTelling = undefined;
      this.#tell();
    });
  }

  /** Once there is room again: how much was lost, and where the actors are by now. */
  #tell(): void {
    if (this.#sink.bufferedBytes() > bufferedBytesMax / 2) {
      this.#tellLater();
      return;
    }
    if (this.#isFull) this.#notice({ type: 'actors.left-out', shown: actorsMax });
    this.#isFull = false;
    if (this.#lost === 0) return;
    this.#lostInAll += this.#lost;
    this.#notice({ type: 'frames.lost', count: this.#lost, total: this.#lostInAll });
    this.#lost = 0;
    const event = { type: 'frames.lost' };
    for (const actor of this.#outdated) {
      const snapshot = actor.getSnapshot() as Snapshot<unknown>;
      this.#sink.send(snapshotFrame(this.#maker, actor, { event, snapshot }));
      this.#frames -= 1;
    }
    this.#outdated.clear();
  }

  #notice(event: AnyEventObject): void {
    if (!this.#hasNoticeActor) this.#sink.send(noticeActorFrame(this.#maker));
    this.#hasNoticeActor = true;
    this.#sink.send(noticeFrame(this.#maker, event));
  }
}

/** What a viewer is made of. */
export interface ViewerOptions {
  readonly runtime: Pick<Runtime, 'clock'>;
  readonly maker: FrameMaker;
  readonly choice: ActorChoice;
  readonly sink: FrameSink;
  /** Where all viewers enter what they watch. */
  readonly watchers: Watchers;
}

function isOfType(actor: AnyActorRef, type: string): boolean {
  const id = systemIdOf(actor);
  return id !== undefined && readType(id) === type;
}
