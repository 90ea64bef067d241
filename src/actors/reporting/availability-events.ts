import type { EventRecorder } from '#actors/event-recorder.ts';
import { reconcileLogic } from '#actors/reconcile.ts';
import type { KuikSystem } from '#actors/system.ts';
import {
  createAvailabilityNoter,
  type NotesOutcome,
  type Unavailable,
} from '#core/monitoring/availability-notes.ts';
import type { TrackedImages } from '#core/monitoring/tracked-image.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';
import type { StatusOwner } from './overflow-objects.ts';

/**
 * Says on a resource, while this process leads, that an image in use became unavailable, and that it
 * is back; not what the last leader has said already.
 */
export function addAvailabilityEvents(
  system: KuikSystem,
  options: AvailabilityEventsOptions,
): void {
  const { watch, work } = new AvailabilityEvents(options);
  system.whileLeading({
    id: 'reconcile:availability-events',
    logic: reconcileLogic(system.runtime, { settleMs, watch, work }),
  });
}

/** What events are made from. */
export interface AvailabilityEventsOptions {
  /** Names a resource only once all that was tracked before is there again. */
  readonly tracked: TrackedImages;
  /** A resource that is there, as events regard it. */
  readonly ownerOf: (resource: string) => StatusOwner | undefined;
  readonly events: Pick<EventRecorder, 'record'>;
}

/** What turns within this is told together; it also bounds how often many images are looked at. */
const settleMs = 1_000;

class AvailabilityEvents {
  readonly #options: AvailabilityEventsOptions;
  /** What was wrong at the last look, by resource. */
  readonly #known = new Map<string, Unavailable>();

  constructor(options: AvailabilityEventsOptions) {
    this.#options = options;
  }

  readonly watch = (changed: () => void): (() => void) => {
    const { tracked } = this.#options;
    this.#known.clear();
    for (const resource of tracked.resources()) this.#lookFirst(resource);
    return tracked.subscribe((resource) => {
      // At once the first time: what comes after it is news.
      if (!this.#known.has(resource)) this.#lookFirst(resource);
      changed();
    });
  };

  readonly work = async (_: unknown, signal: AbortSignal): Promise<{ readonly kind: 'done' }> => {
    const { tracked } = this.#options;
    for (const resource of tracked.resources()) {
      const noter = createAvailabilityNoter(this.#known.get(resource));
      await forEachInTurns(tracked.imagesOf(resource), noter.add);
      if (signal.aborted) break;
      this.#tell(resource, noter.finish());
    }
    return { kind: 'done' };
  };

  /** Tells nothing: what is wrong by then was told by somebody before. */
  #lookFirst(resource: string): void {
    const noter = createAvailabilityNoter(undefined);
    for (const image of this.#options.tracked.imagesOf(resource)) noter.add(image);
    this.#tell(resource, noter.finish());
  }

  #tell(resource: string, { unavailable, notes }: NotesOutcome): void {
    const { tracked, events, ownerOf } = this.#options;
    if (!tracked.resources().includes(resource)) return;
    const regarding = ownerOf(resource);
    // Of a resource that is gone there is nothing to tell; one made anew begins anew.
    if (regarding === undefined) this.#known.delete(resource);
    else this.#known.set(resource, unavailable);
    if (regarding === undefined) return;
    for (const note of notes) events.record({ ...note, regarding, action: 'Check' });
  }
}
