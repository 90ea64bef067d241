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
  readonly send: (resource: string, image: string, event: TrackedImageEvent) => void;
  /** What it remembers; of one that crashed, what it will begin with again. */
  readonly get: (resource: string, image: string) => TrackedImage | undefined;
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

/**
 * The way to the actors of the running supervisor, for one term; without one nobody is there. The key
 * of each is made once: to make and hash it anew took most of the time of going through all images.
 */
export function trackedActors(
  find: () => ActorRefFrom<TrackedImagesLogic> | undefined,
): TrackedActors {
  const keys = new Map<string, Map<string, string>>();
  const keyOf = (resource: string, image: string) => keys.get(resource)?.get(image) ?? '';
  return {
    add: (tracked) => {
      const { resource, image } = tracked;
      const ofResource = keys.get(resource) ?? new Map<string, string>();
      const key = ofResource.get(image) ?? `${resource}/${image}`;
      keys.set(resource, ofResource.set(image, key));
      find()?.send({ type: 'child.add', key, input: { tracked } });
    },
    remove: (resource, image) => {
      const key = keyOf(resource, image);
      keys.get(resource)?.delete(image);
      if (keys.get(resource)?.size === 0) keys.delete(resource);
      find()?.send({ type: 'child.remove', key });
    },
    send: (resource, image, event) =>
      find()?.getSnapshot().children.get(keyOf(resource, image))?.send(event),
    get: (resource, image) => {
      const snapshot = find()?.getSnapshot();
      const key = keyOf(resource, image);
      const actor = snapshot?.children.get(key);
      if (actor !== undefined) return actor.getSnapshot().context.tracked;
      return (snapshot?.broken.get(key)?.input as TrackedImageInput | undefined)?.tracked;
    },
  };
}
