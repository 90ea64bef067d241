import { type ActorRefFrom, fromPromise } from 'xstate';
import type { Runtime } from '#actors/runtime.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { KuikSystem } from '#actors/system.ts';
import type { MirrorCopy } from '#core/mirroring/mirrored-image.ts';
import {
  type CopyEnd,
  type CopyKey,
  type DeletionOutcome,
  type LookOutcome,
  mirroredImageMachine,
} from '#machines/mirrored-image.ts';
import { type CopyDemand, type CopyListener, copyKey, MirroredCopy } from './mirrored-copy.ts';

/** What the actors of copies do with the world. */
export interface CopyEffects {
  readonly look: (copy: MirroredCopy, signal: AbortSignal) => Promise<LookOutcome>;
  readonly copy: (copy: MirroredCopy, signal: AbortSignal) => Promise<CopyEnd>;
  readonly remove: (copy: MirroredCopy, signal: AbortSignal) => Promise<DeletionOutcome>;
}

/** Told which mirrors there are. */
export interface TargetListener {
  /** The first copy of a mirror is there. */
  readonly populated: (target: string) => void;
  /** None is any more. */
  readonly emptied: (target: string) => void;
}

/** The supervisor of the actors of all copies. */
export type MirroredImagesLogic = SupervisorLogic<typeof mirroredImageMachine>;

/** That supervisor's id. */
export const mirroredImagesId = 'mirrored-images';

/** All copies that any resource wants, each with its actor. */
export class MirroredCopies {
  readonly #find: KuikSystem['find'];
  readonly #listener: CopyListener;
  readonly #targets: TargetListener;
  readonly #copies = new Map<string, MirroredCopy>();
  /** Mirror → how many copies it has. */
  readonly #counts = new Map<string, number>();
  /** `placeKey` → the copies that are there: images that are told apart may share a place. */
  readonly #byPlace = new Map<string, readonly MirroredCopy[]>();

  constructor({ find }: Pick<KuikSystem, 'find'>, listener: CopyListener, targets: TargetListener) {
    this.#find = find;
    this.#targets = targets;
    this.#listener = {
      ...listener,
      moved: (copy, from, to) => {
        if (to === 'Gone') this.#forget(copy);
        listener.moved(copy, from, to);
      },
    };
  }

  readonly get = (key: CopyKey): MirroredCopy | undefined => this.#copies.get(copyKey(key));

  readonly all = (): Iterable<MirroredCopy> => this.#copies.values();

  /** Those of all resources that lie at one place of one registry. */
  readonly at = (placeKey: string): Iterable<MirroredCopy> => this.#byPlace.get(placeKey) ?? [];

  /**
   * Takes a copy in for a resource, as its status had it or as nobody knows it yet; one that is there
   * stays.
   */
  readonly add = (
    what: Pick<MirroredCopy, 'target' | 'image' | 'source' | 'place'>,
    recorded: MirrorCopy,
    { resource, ...demand }: CopyDemand & { readonly resource: string },
  ): MirroredCopy => {
    const present = this.get(what);
    if (present !== undefined) {
      present.demand(resource, demand);
      return present;
    }
    const { state: before, ...known } = recorded;
    const { target, image } = what;
    const { isUnused } = demand;
    const context = { target, image, known, isUnused, failures: 0, retryAtMs: null, before };
    const copy = new MirroredCopy(what, context, this.#listener);
    // Known before its actor starts, which may go to work at once.
    copy.demands.set(resource, demand);
    this.#copies.set(copy.key, copy);
    const there = this.#byPlace.get(what.place.key) ?? [];
    // No spread: an array that grows by it has room for sixteen more, and there are thousands.
    this.#byPlace.set(what.place.key, there.concat(copy));
    const count = this.#counts.get(target) ?? 0;
    this.#counts.set(target, count + 1);
    if (count === 0) this.#targets.populated(target);
    this.#supervisor()?.send({ type: 'child.add', key: copy.key, input: context });
    return copy;
  };

  /** Nobody keeps track of it any more; what stands on the mirror stays there. */
  readonly remove = (copy: MirroredCopy): void => {
    if (!this.#forget(copy)) return;
    copy.close();
    this.#supervisor()?.send({ type: 'child.remove', key: copy.key });
  };

  /** All are torn down with their supervisor. */
  readonly clear = (): void => {
    for (const copy of this.all()) copy.close();
    this.#copies.clear();
    this.#byPlace.clear();
    this.#counts.clear();
  };

  /** The machine with its effects, supervised; a crash costs a copy nothing that it knew. */
  readonly logic = (runtime: Runtime, effects: CopyEffects): MirroredImagesLogic => {
    const { look, copy, remove } = effects;
    return supervise(runtime, {
      type: 'mirrored-image',
      policy: 'object',
      logic: mirroredImageMachine.provide({
        actors: {
          lookAtCopy: this.#effect(look, () => ({ kind: 'unknown' })),
          copyImage: this.#effect(copy, () => dropped),
          deleteCopy: this.#effect(remove, () => ({ kind: 'wanted' })),
        },
      }),
      inherit: ({ context, value }) => ({
        ...context,
        before: value === 'Collision' || value === 'Expired' ? value : null,
      }),
      started: (key, actor) => this.#copies.get(key)?.follow(actor),
    });
  };

  /** One that was dropped in this turn of the event loop is about to be stopped. */
  #effect<Output>(
    run: (copy: MirroredCopy, signal: AbortSignal) => Promise<Output>,
    otherwise: () => Output,
  ) {
    return fromPromise<Output, CopyKey>(async ({ input, signal }) => {
      const copy = this.get(input);
      return copy === undefined ? otherwise() : await run(copy, signal);
    });
  }

  #forget(copy: MirroredCopy): boolean {
    if (this.#copies.get(copy.key) !== copy) return false;
    this.#copies.delete(copy.key);
    const { key } = copy.place;
    const left = (this.#byPlace.get(key) ?? []).filter((one) => one !== copy);
    if (left.length === 0) this.#byPlace.delete(key);
    else this.#byPlace.set(key, left);
    const count = (this.#counts.get(copy.target) ?? 0) - 1;
    if (count > 0) this.#counts.set(copy.target, count);
    else {
      this.#counts.delete(copy.target);
      this.#targets.emptied(copy.target);
    }
    return true;
  }

  #supervisor(): ActorRefFrom<MirroredImagesLogic> | undefined {
    return this.#find<MirroredImagesLogic>(mirroredImagesId);
  }
}

const dropped: CopyEnd = {
  ...{ kind: 'failed', side: 'target', reason: 'unreachable', atMs: 0 },
  message: 'no resource wants this copy any more',
};
