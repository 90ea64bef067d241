import { type ActorRefFrom, fromPromise } from 'xstate';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckVerdict } from '#core/monitoring/verdict.ts';
import {
  type CheckImageInput,
  type TrackedImageEvent,
  type TrackedImageInput,
  trackedImageMachine,
} from '#machines/tracked-image.ts';
import { type SupervisorLogic, supervise } from './supervisor.ts';
import type { WakeHeap } from './wake.ts';

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
  readonly wake: WakeHeap;
  readonly checkImage: (input: CheckImageInput) => Promise<CheckVerdict>;
  readonly onCrash?: (id: string, error: unknown) => void;
}): TrackedImagesLogic {
  const { wake, checkImage, onCrash } = options;
  const check = fromPromise<CheckVerdict, CheckImageInput>(({ input }) => checkImage(input));
  return supervise({
    type: 'tracked-image',
    logic: trackedImageMachine.provide({ actors: { checkImage: check } }),
    policy: 'object',
    wake,
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

type Ref = ActorRefFrom<typeof trackedImageMachine>;

/**
 * Each actor is held by its image: to make and look up the key of each took most of the time of going
 * through all of them. One that crashed is looked for anew, since another takes its place.
 */
class ActorsByImage implements TrackedActors {
  readonly #find: () => ActorRefFrom<TrackedImagesLogic> | undefined;
  readonly #refs = new Map<string, Map<string, Ref | undefined>>();

  constructor(find: () => ActorRefFrom<TrackedImagesLogic> | undefined) {
    this.#find = find;
  }

  readonly add = (tracked: TrackedImage): void => {
    const { resource, image } = tracked;
    this.#find()?.send({ type: 'child.add', key: keyOf(resource, image), input: { tracked } });
    const refs = this.#refs.get(resource) ?? new Map<string, Ref | undefined>();
    this.#refs.set(resource, refs.set(image, this.#look(resource, image)));
  };

  readonly remove = (resource: string, image: string): void => {
    const refs = this.#refs.get(resource);
    refs?.delete(image);
    if (refs?.size === 0) this.#refs.delete(resource);
    this.#find()?.send({ type: 'child.remove', key: keyOf(resource, image) });
  };

  readonly release = (resource: string): void => {
    this.#refs.delete(resource);
  };

  readonly send = (resource: string, image: string, event: TrackedImageEvent): void => {
    const held = this.#refs.get(resource)?.get(image);
    const isThere = held?.getSnapshot().status === 'active';
    (isThere ? held : this.#look(resource, image))?.send(event);
  };

  readonly get = (resource: string, image: string): TrackedImage | undefined => {
    const refs = this.#refs.get(resource);
    return refs?.has(image) ? this.#read(resource, image, refs.get(image)) : undefined;
  };

  *imagesOf(resource: string): Generator<TrackedImage> {
    for (const [image, ref] of this.#refs.get(resource) ?? []) {
      const tracked = this.#read(resource, image, ref);
      if (tracked !== undefined) yield tracked;
    }
  }

  #read(resource: string, image: string, held: Ref | undefined): TrackedImage | undefined {
    const snapshot = held?.getSnapshot();
    if (snapshot?.status === 'active') return snapshot.context.tracked;
    const anew = this.#look(resource, image);
    if (anew === undefined) return this.#readBroken(resource, image);
    this.#refs.get(resource)?.set(image, anew);
    return anew.getSnapshot().context.tracked;
  }

  #look(resource: string, image: string): Ref | undefined {
    return this.#find()?.getSnapshot().children.get(keyOf(resource, image));
  }

  #readBroken(resource: string, image: string): TrackedImage | undefined {
    const broken = this.#find()?.getSnapshot().broken.get(keyOf(resource, image));
    return (broken?.input as TrackedImageInput | undefined)?.tracked;
  }
}

function keyOf(resource: string, image: string): string {
  return `${resource}/${image}`;
}
