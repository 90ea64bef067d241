import { setImmediate as nextTurn } from 'node:timers/promises';
import { readPodImages } from '#core/monitoring/pod-images-in-use.ts';
import { UseIndex, type UseScope, type UsingPod } from '#core/monitoring/use.ts';
import type { Store, StoreChange } from '#kube/store.ts';

/** A Pod with its name, which tells it from the others of its namespace. */
export type NamedPod = UsingPod & { readonly name: string };

/** What Pods are counted from. */
export interface PodUsesOptions<Pod extends NamedPod = NamedPod> {
  readonly pods: Store<Pod>;
}

/** So many Pods are counted in one turn of the event loop: about 7 ms. */
const podsPerTurn = 200;

/** Which images the Pods of one resource use, kept up as Pods come and go. */
export class PodUses<Pod extends NamedPod = NamedPod> {
  readonly #options: PodUsesOptions<Pod>;
  #current: UseIndex<Pod> | undefined;

  constructor(options: PodUsesOptions<Pod>) {
    this.#options = options;
  }

  /** As counted last, and kept up since; undefined before the first count. */
  get current(): UseIndex<Pod> | undefined {
    return this.#current;
  }

  /** Keeps up what was counted; returns how to stop that, after which it is to be counted anew. */
  readonly watch = (changed: () => void): (() => void) => {
    const unsubscribe = this.#options.pods.subscribe((change) => {
      this.#see(change);
      if (this.#current?.hasChanged() === true) changed();
    });
    return () => {
      unsubscribe();
      this.#current = undefined;
    };
  };

  /** Counts all Pods anew, a slice at a time; what changes meanwhile is counted as it comes. */
  readonly count = async (scope: UseScope<Pod>, signal: AbortSignal): Promise<UseIndex<Pod>> => {
    const { pods } = this.#options;
    const uses = new UseIndex(scope);
    this.#current = uses;
    let counted = 0;
    for (const pod of pods.values()) {
      uses.put(keyOf(pod), pod);
      counted += 1;
      if (counted % podsPerTurn !== 0) continue;
      await nextTurn();
      if (signal.aborted) break;
    }
    return uses;
  };

  /** The images of all Pods, whatever resource they are of. */
  readonly everywhere = (): Set<string> => {
    const all = new Set<string>();
    for (const pod of this.#options.pods.values()) {
      for (const { image } of readPodImages(pod)) all.add(image);
    }
    return all;
  };

  #see(change: StoreChange<Pod>): void {
    const uses = this.#current;
    if (change.kind === 'deleted') uses?.remove(keyOf(change.value));
    else uses?.put(keyOf(change.value), change.value);
  }
}

function keyOf({ namespace, name }: NamedPod): string {
  return `${namespace}/${name}`;
}
