import { type ActorRefFrom, fromPromise } from 'xstate';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { TimerHeap } from '#actors/timer-heap.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckVerdict } from '#core/monitoring/verdict.ts';
import {
  type CheckImageInput,
  type TrackedImageEvent,
  type TrackedImageInput,
  trackedImageMachine,
} from '#machines/tracked-image.ts';

/** The actors of all tracked images, by resource and image. */
export interface TrackedActors {
  readonly add: (tracked: TrackedImage) => void;
  readonly remove: (resource: string, image: string) => void;
  /** The resource is gone, and nothing of it is told any more; its actors are removed one by one. */
  readonly release: (resource: string) => void;
  readonly send: (resource: string, image: string, event: TrackedImageEvent) => void;
  /** What it remembers; of one that crashed, what it will begin with again. */
  readonly get: (resource: string, image: string) => TrackedImage | undefined;
  /** What all of one resource remember. */
  readonly imagesOf: (resource: string) => Iterable<TrackedImage>;
}

/** The supervisor of the tracked images. */
export type TrackedImagesLogic = SupervisorLogic<typeof trackedImageMachine>;

/** The machine with its effect, supervised; a crash costs an image nothing that it knew. */
export function trackedImagesLogic(options: {
  readonly clock: TimerHeap;
  readonly checkImage: (input: CheckImageInput) => Promise<CheckVerdict>;
  readonly onCrash?: (id: string, error: unknown) => void;
}): TrackedImagesLogic {
  const { clock, checkImage, onCrash } = options;
  const check = fromPromise<CheckVerdict, CheckImageInput>(({ input }) => checkImage(input));
  return supervise({
    type: 'tracked-image',
    logic: trackedImageMachine.provide({ actors: { checkImage: check } }),
    policy: 'object',
    clock,
    ...(onCrash !== undefined && { onCrash }),
    inherit: ({ context }) => ({ tracked: context.tracked }),
  });
}

/** The way to the actors of the running supervisor, for one term; without one nobody is there. */
export function trackedActors(
  find: () => ActorRefFrom<TrackedImagesLogic> | undefined,
): TrackedActors {
  return new ActorsByImage(find);
}

/** The place of one image: its actor as it was seen last. */
interface Place {
  readonly resource: string;
  readonly image: string;
  actor: ActorRefFrom<typeof trackedImageMachine> | undefined;
}

/**
 * Each actor is held by its image: to make and look up the key of each took most of the time of going
 * through all of them. One that crashed is looked for anew, since another takes its place.
 */
class ActorsByImage implements TrackedActors {
  readonly #find: () => ActorRefFrom<TrackedImagesLogic> | undefined;
  readonly #places = new Map<string, Map<string, Place>>();

  constructor(find: () => ActorRefFrom<TrackedImagesLogic> | undefined) {
    this.#find = find;
  }

  readonly add = (tracked: TrackedImage): void => {
    const { resource, image } = tracked;
    this.#find()?.send({ type: 'child.add', key: keyOf(tracked), input: { tracked } });
    const places = this.#places.get(resource) ?? new Map<string, Place>();
    const place = { resource, image, actor: this.#look(tracked) };
    this.#places.set(resource, places.set(image, place));
  };

  readonly remove = (resource: string, image: string): void => {
    const places = this.#places.get(resource);
    places?.delete(image);
    if (places?.size === 0) this.#places.delete(resource);
    this.#find()?.send({ type: 'child.remove', key: keyOf({ resource, image }) });
  };

  readonly release = (resource: string): void => {
    this.#places.delete(resource);
  };

  readonly send = (resource: string, image: string, event: TrackedImageEvent): void => {
    const held = this.#places.get(resource)?.get(image)?.actor;
    const isThere = held?.getSnapshot().status === 'active';
    (isThere ? held : this.#look({ resource, image }))?.send(event);
  };

  readonly get = (resource: string, image: string): TrackedImage | undefined => {
    const place = this.#places.get(resource)?.get(image);
    return place && this.#read(place);
  };

  *imagesOf(resource: string): Generator<TrackedImage> {
    for (const place of this.#places.get(resource)?.values() ?? []) {
      const tracked = this.#read(place);
      if (tracked !== undefined) yield tracked;
    }
  }

  #read(place: Place): TrackedImage | undefined {
    const snapshot = place.actor?.getSnapshot();
    if (snapshot?.status === 'active') return snapshot.context.tracked;
    place.actor = this.#look(place);
    return place.actor?.getSnapshot().context.tracked ?? this.#readBroken(place);
  }

  #look(image: ImageKey): Place['actor'] {
    return this.#find()?.getSnapshot().children.get(keyOf(image));
  }

  #readBroken(image: ImageKey): TrackedImage | undefined {
    const broken = this.#find()?.getSnapshot().broken.get(keyOf(image));
    return (broken?.input as TrackedImageInput | undefined)?.tracked;
  }
}

type ImageKey = Pick<TrackedImage, 'resource' | 'image'>;

function keyOf({ resource, image }: ImageKey): string {
  return `${resource}/${image}`;
}
