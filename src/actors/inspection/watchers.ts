import type { AnyActorRef } from 'xstate';
import type { Viewer } from './viewer.ts';

/**
 * Who watches which actor: one look for each event of the system, however many viewers there are and
 * whatever they watch.
 */
export class Watchers {
  readonly #viewers = new Map<AnyActorRef, readonly Viewer[]>();

  /** The viewers of an actor; undefined for nearly all of them. */
  of(actor: AnyActorRef): readonly Viewer[] | undefined {
    return this.#viewers.get(actor);
  }

  add(actor: AnyActorRef, viewer: Viewer): void {
    this.#viewers.set(actor, [...(this.#viewers.get(actor) ?? []), viewer]);
  }

  delete(actor: AnyActorRef, viewer: Viewer): void {
    const left = this.#viewers.get(actor)?.filter((one) => one !== viewer) ?? [];
    if (left.length === 0) this.#viewers.delete(actor);
    else this.#viewers.set(actor, left);
  }
}
