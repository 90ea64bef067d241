import { type ActorRefFrom, fromPromise } from 'xstate';
import type { Runtime } from '#actors/runtime.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { ImageReference } from '#core/image/reference.ts';
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

type ImageActor = ActorRefFrom<typeof trackedImageMachine>;

const noSecrets: readonly string[] = [];

/** One image of one resource: the way to its actor, and with what it is checked. */
export class TrackedEntry {
  readonly resource: string;
  readonly image: string;
  readonly reference: ImageReference;
  /** Only kubelets can pull it: it has no turns. */
  readonly isNodeOnly: boolean;
  /** `namespace/name` of those of the Pods that use it, or of the last that did. */
  pullSecrets = noSecrets;
  /** Of one of those Pods: on whose behalf it is checked. */
  namespace = '';
  /** It was tracked before this process led and had no Pod since: nobody knows its Secrets. */
  hasUnknownSecrets = false;
  readonly #find: KuikSystem['find'];
  /** As it was found last: to make and look up the keys of all images is most of going through them. */
  #actor: ImageActor | undefined;

  constructor(
    find: KuikSystem['find'],
    reference: ImageReference,
    { resource, image, status }: Pick<TrackedImage, 'resource' | 'image' | 'status'>,
  ) {
    this.#find = find;
    this.resource = resource;
    this.image = image;
    this.reference = reference;
    this.isNodeOnly = status === 'NodeOnly';
  }

  /** What its actor remembers; of one that crashed, what it will begin with again. */
  get tracked(): TrackedImage | undefined {
    const actor = this.#active();
    if (actor !== undefined) return actor.getSnapshot().context.tracked;
    const broken = this.#supervisor()?.getSnapshot().broken.get(this.#key);
    return (broken?.input as TrackedImageInput | undefined)?.tracked;
  }

  start(tracked: TrackedImage): void {
    this.#supervisor()?.send({ type: 'child.add', key: this.#key, input: { tracked } });
  }

  send(event: TrackedImageEvent): void {
    this.#active()?.send(event);
  }

  stop(): void {
    this.#supervisor()?.send({ type: 'child.remove', key: this.#key });
  }

  get #key(): string {
    return `${this.resource}/${this.image}`;
  }

  /** One that crashed is looked for anew, since another takes its place. */
  #active(): ImageActor | undefined {
    if (this.#actor?.getSnapshot().status !== 'active') {
      this.#actor = this.#supervisor()?.getSnapshot().children.get(this.#key);
    }
    return this.#actor;
  }

  #supervisor(): ActorRefFrom<TrackedImagesLogic> | undefined {
    return this.#find<TrackedImagesLogic>(trackedImagesId);
  }
}
