import { type ActorRefFrom, fromPromise } from 'xstate';
import type { Runtime } from '#actors/runtime.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { CheckOutcome } from '#core/monitoring/verdict.ts';
import {
  type CheckImageInput,
  type TrackedImageEvent,
  type TrackedImageInput,
  trackedImageMachine,
} from '#machines/tracked-image.ts';

/** The id of the supervisor of all tracked images. */
export const trackedImagesId = 'tracked-images';

/** That supervisor. */
export type TrackedImagesLogic = SupervisorLogic<typeof trackedImageMachine>;

/** The machine with its effect, supervised; a crash costs an image nothing that it knew. */
export function trackedImagesLogic(
  runtime: Runtime,
  checkImage: (input: CheckImageInput, signal: AbortSignal) => Promise<CheckOutcome>,
): TrackedImagesLogic {
  const check = fromPromise<CheckOutcome, CheckImageInput>(({ input, signal }) =>
    checkImage(input, signal),
  );
  return supervise(runtime, {
    type: 'tracked-image',
    logic: trackedImageMachine.provide({ actors: { checkImage: check } }),
    policy: 'object',
    inherit: ({ context }) => context,
  });
}

/** The place of one image: its actor as it was seen last. */
interface Place {
  readonly resource: string;
  readonly image: string;
  actor: ActorRefFrom<typeof trackedImageMachine> | undefined;
}

/**
 * The actors of all tracked images, by resource and image. Each is held by its image: to make and
 * look up the key of each took most of the time of going through all of them. One that crashed is
 * looked for anew, since another takes its place.
 */
export class TrackedActors {
  readonly #system: Pick<KuikSystem, 'find'>;
  readonly #places = new Map<string, Map<string, Place>>();

  constructor(system: Pick<KuikSystem, 'find'>) {
    this.#system = system;
  }

  readonly add = (tracked: TrackedImage): void => {
    const { resource, image } = tracked;
    this.#supervisor()?.send({ type: 'child.add', key: keyOf(tracked), input: { tracked } });
    const places = this.#places.get(resource) ?? new Map<string, Place>();
    const place = { resource, image, actor: this.#look(tracked) };
    this.#places.set(resource, places.set(image, place));
  };

  readonly remove = (resource: string, image: string): void => {
    const places = this.#places.get(resource);
    places?.delete(image);
    if (places?.size === 0) this.#places.delete(resource);
    this.#supervisor()?.send({ type: 'child.remove', key: keyOf({ resource, image }) });
  };

  /** Looks away from all of them: their supervisor has ended. */
  readonly clear = (): void => this.#places.clear();

  readonly send = (resource: string, image: string, event: TrackedImageEvent): void => {
    const held = this.#places.get(resource)?.get(image)?.actor;
    const isThere = held?.getSnapshot().status === 'active';
    (isThere ? held : this.#look({ resource, image }))?.send(event);
  };

  /** What it remembers; of one that crashed, what it will begin with again. */
  readonly get = (resource: string, image: string): TrackedImage | undefined => {
    const place = this.#places.get(resource)?.get(image);
    return place && this.#read(place);
  };

  /** What all of one resource remember. */
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
    return this.#supervisor()?.getSnapshot().children.get(keyOf(image));
  }

  #readBroken(image: ImageKey): TrackedImage | undefined {
    const broken = this.#supervisor()?.getSnapshot().broken.get(keyOf(image));
    return (broken?.input as TrackedImageInput | undefined)?.tracked;
  }

  #supervisor(): ActorRefFrom<TrackedImagesLogic> | undefined {
    return this.#system.find<TrackedImagesLogic>(trackedImagesId);
  }
}

type ImageKey = Pick<TrackedImage, 'resource' | 'image'>;

function keyOf({ resource, image }: ImageKey): string {
  return `${resource}/${image}`;
}
