import type { ActorRefFrom } from 'xstate';
import type { ImageReference } from '#core/image/reference.ts';
import type { CopyPlace } from '#core/mirroring/copy-places.ts';
import type { MirrorCopy } from '#core/mirroring/mirrored-image.ts';
import { type CopyActorState, toldState } from '#core/mirroring/told-state.ts';
import type { ImageUse } from '#core/monitoring/use.ts';
import type {
  CopyKey,
  KnownCopy,
  MirroredImageContext,
  MirroredImageEvent,
  mirroredImageMachine,
} from '#machines/mirrored-image.ts';

/** One for all: there are thousands of copies. */
const nothing = (): void => {};

/** What one resource has to do with a copy. */
export interface CopyDemand {
  /** Under which of its entries: with whose Secret it is pushed, and how it is cleaned up. */
  readonly place: CopyPlace;
  /** How the resource's Pods use the image; absent where none does. */
  readonly use: ImageUse | undefined;
  readonly isUnused: boolean;
}

/** The actor of one copy. */
export type CopyActor = ActorRefFrom<typeof mirroredImageMachine>;

/** Told of what happens to copies. */
export interface CopyListener {
  readonly moved: (copy: MirroredCopy, from: CopyActorState, to: CopyActorState) => void;
  /** How urgent it is, or on whose behalf, is not what it was. */
  readonly turned: (copy: MirroredCopy) => void;
  /** With which Secrets it may be read, or where it is pushed to, is not what it was. */
  readonly rebased: (copy: MirroredCopy) => void;
  /** A Pod that uses the image has come or gone, or changed. */
  readonly usedAnew: (copy: MirroredCopy) => void;
  /** Whether what stands at its place is being deleted: who wants it waits for the answer. */
  readonly isHeld: (copy: MirroredCopy) => boolean;
}

/** One image on one mirror, for all resources that want it there: the way to its actor. */
export class MirroredCopy implements CopyKey {
  /** The same text for all who know it by its key: there are thousands. */
  readonly key: string;
  readonly target: string;
  readonly image: string;
  readonly source: ImageReference;
  readonly place: CopyPlace;
  /** By resource, `Kind/[namespace/]name`. */
  readonly demands = new Map<string, CopyDemand>();
  /** When it was made, or asked for, last, by the clock of the process; not yet in this term. */
  lookedAtMs: number | undefined;
  /** When it began to be made last, by the clock of the process. */
  triedAtMs = Number.NEGATIVE_INFINITY;
  readonly #listener: CopyListener;
  #actor: CopyActor | undefined;
  #state: CopyActorState = 'Broken';
  #context: MirroredImageContext;
  #attempt: PromiseWithResolvers<void> | undefined;
  /** Takes back what is to happen to it by and by. */
  #cancelWake = nothing;

  constructor(
    { target, image, source, place }: Pick<MirroredCopy, 'target' | 'image' | 'source' | 'place'>,
    context: MirroredImageContext,
    listener: CopyListener,
  ) {
    this.key = copyKey({ target, image });
    this.target = target;
    this.image = image;
    this.source = source;
    this.place = place;
    this.#context = context;
    this.#listener = listener;
  }

  /** Where its actor is; one that crashed waits to be started again. */
  get state(): CopyActorState {
    return this.#state;
  }

  /** What its actor remembers; of one that crashed, what it will begin with again. */
  get context(): MirroredImageContext {
    return this.#context;
  }

  get known(): KnownCopy {
    return this.#context.known;
  }

  /** Its actor was started; after a crash it is another one. */
  follow(actor: CopyActor): void {
    this.#actor = actor;
    const see = (): void => {
      const { status, value, context } = actor.getSnapshot();
      this.#context = context;
      this.#move(status === 'error' ? 'Broken' : value);
    };
    actor.subscribe({ next: see, error: see });
    see();
  }

  send(event: MirroredImageEvent): void {
    if (this.#actor?.getSnapshot().status === 'active') this.#actor.send(event);
  }

  /** What a resource has to do with it now. */
  demand(resource: string, demand: CopyDemand): void {
    const before = this.demands.get(resource);
    this.demands.set(resource, demand);
    this.tellUse();
    if (before === undefined || before === demand) return;
    if (!isSameTurn(before.use, demand.use)) this.#listener.turned(this);
    if (!isSameBasis(before, demand)) this.#listener.rebased(this);
    else if (before.use !== demand.use) this.#listener.usedAnew(this);
  }

  /** Tells its actor whether anybody uses the image. */
  tellUse(): void {
    const isUnused = [...this.demands.values()].every((demand) => demand.isUnused);
    if (isUnused === this.#context.isUnused) return;
    if (!isUnused && this.#state === 'Expired' && this.#listener.isHeld(this)) return;
    this.send({ type: isUnused ? 'image.unused' : 'image.used' });
  }

  /** Its place in the queue has come: resolves when nothing is in flight for it any more. */
  takeTurn(): Promise<void> {
    return this.#whileIn('Copying', { type: 'turn.came' });
  }

  /** Its mirror is to be asked for it: resolves when that has an end. */
  lookAt(): Promise<void> {
    return this.#whileIn('Checking', { type: 'look.due' });
  }

  /** What is to happen to it by and by, unless it moves before. */
  wake(cancel: () => void): void {
    this.#cancelWake();
    this.#cancelWake = cancel;
  }

  /** It is torn down: nothing happens to it any more. */
  close(): void {
    this.#cancelWake();
    this.#attempt?.resolve();
  }

  /** What a resource's status tells of it. */
  told(isUnused: boolean): MirrorCopy {
    const { known } = this;
    const isMirrored = known.mirroredAtMs !== undefined;
    return { ...known, state: toldState(this.#state, { isMirrored, isUnused }) };
  }

  async #whileIn(state: 'Copying' | 'Checking', event: MirroredImageEvent): Promise<void> {
    this.send(event);
    if (this.#state !== state) return;
    this.#attempt ??= Promise.withResolvers();
    await this.#attempt.promise;
  }

  #move(to: CopyActorState): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    this.#cancelWake();
    this.#cancelWake = nothing;
    this.#attempt?.resolve();
    this.#attempt = undefined;
    this.#listener.moved(this, from, to);
  }
}

function isSameTurn(left: ImageUse | undefined, right: ImageUse | undefined): boolean {
  return left?.namespace === right?.namespace && left?.isWaiting === right?.isWaiting;
}

function isSameBasis(left: CopyDemand, right: CopyDemand): boolean {
  if (left.place !== right.place) return false;
  const [secrets = [], others = []] = [left.use?.pullSecrets, right.use?.pullSecrets];
  return secrets.length === others.length && secrets.every((one, at) => one === others[at]);
}

/** The key of a copy's actor among the others. */
export function copyKey({ target, image }: CopyKey): string {
  return `${target}/${image}`;
}
