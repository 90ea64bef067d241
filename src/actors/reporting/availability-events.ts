import { fromCallback } from 'xstate';
import type { EventRecorder } from '#actors/leader/record-events.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import {
  createAvailabilityNoter,
  type NotesOutcome,
  type Unavailable,
} from '#core/monitoring/availability-notes.ts';
import type { TrackedImages } from '#core/monitoring/tracked-image.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import { availabilityOwner } from './availability-object.ts';

/** What events are made from. */
export interface TellAvailabilityOptions {
  /** Names a resource only once all that was tracked before is there again. */
  readonly tracked: TrackedImages;
  /** The uid of a resource that is there. */
  readonly uidOf: (resource: string) => string | undefined;
  readonly events: EventRecorder;
  readonly clock: TimerHeap;
}

/** What turns within this is told together; it also bounds how often many images are looked at. */
const lookEveryMs = 1_000;

/**
 * Says on a resource, while this process leads, that an image in use became unavailable, and that it
 * is back; not what the last leader has said already.
 */
export function tellAvailabilityLogic(options: TellAvailabilityOptions) {
  return fromCallback(() => {
    const teller = new Teller(options);
    return teller.stop;
  });
}

class Teller {
  readonly #options: TellAvailabilityOptions;
  readonly #known = new Map<string, Unavailable>();
  readonly #changed = new Set<string>();
  readonly #unsubscribe: () => void;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(options: TellAvailabilityOptions) {
    this.#options = options;
    const { tracked } = options;
    for (const resource of tracked.resources()) this.#look(resource);
    this.#unsubscribe = tracked.subscribe((resource) => {
      // At once the first time: what comes after it is news.
      if (!this.#known.has(resource)) this.#look(resource);
      this.#changed.add(resource);
      this.#plan();
    });
  }

  readonly stop = (): void => {
    this.#isStopped = true;
    this.#unsubscribe();
    this.#cancel?.();
  };

  #plan(): void {
    this.#cancel ??= this.#options.clock.after(lookEveryMs, () => void this.#lookAtChanged());
  }

  async #lookAtChanged(): Promise<void> {
    const resources = [...this.#changed];
    this.#changed.clear();
    for (const resource of resources) {
      const noter = createAvailabilityNoter(this.#known.get(resource));
      await forEachInTurns(this.#options.tracked.imagesOf(resource), noter.add);
      if (this.#isStopped) return;
      this.#tell(resource, noter.finish());
    }
    this.#cancel = undefined;
    if (this.#changed.size > 0) this.#plan();
  }

  /** The first look, which tells nothing. */
  #look(resource: string): void {
    const noter = createAvailabilityNoter(undefined);
    for (const image of this.#options.tracked.imagesOf(resource)) noter.add(image);
    this.#tell(resource, noter.finish());
  }

  #tell(resource: string, { unavailable, notes }: NotesOutcome): void {
    const { tracked, events, uidOf } = this.#options;
    if (!tracked.resources().includes(resource)) return;
    const uid = uidOf(resource);
    // Of a resource that is gone there is nothing to tell; one made anew begins anew.
    if (uid === undefined) this.#known.delete(resource);
    else this.#known.set(resource, unavailable);
    for (const note of uid === undefined ? [] : notes) {
      const regarding = availabilityOwner(resource, uid ?? '');
      events.record({ ...note, regarding, action: 'Check' });
    }
  }
}
