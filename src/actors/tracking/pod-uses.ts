import { setImmediate as nextTurn } from 'node:timers/promises';
import { scopeMatchesImage } from '#core/filter/scope.ts';
import { readPodImages } from '#core/monitoring/pod-images-in-use.ts';
import { UseIndex, type UsingPod } from '#core/monitoring/use.ts';
import type { CompiledAvailability } from '#core/routing/compiled.ts';
import type { Store, StoreChange } from '#kube/store.ts';

/** A Pod with its name, which tells it from the others of its namespace. */
export type NamedPod = UsingPod & { readonly name: string };

/** What Pods are counted from, and who is told. */
export interface PodUsesOptions {
  readonly pods: Store<NamedPod>;
  readonly leavesAlone: (pod: UsingPod) => boolean;
  /** The actor of the resource should plan again. */
  readonly tellStale: () => void;
}

/** So many Pods are counted in one turn of the event loop: about 7 ms. */
const podsPerTurn = 200;

/** Which images the Pods of one resource use, kept up as Pods come and go. */
export class PodUses implements Disposable {
  readonly #options: PodUsesOptions;
  readonly #unsubscribe: () => void;
  #current: UseIndex | undefined;

  constructor(options: PodUsesOptions) {
    this.#options = options;
    this.#unsubscribe = options.pods.subscribe((change) => this.#see(change));
  }

  /** As counted last, and kept up since; undefined before the first count. */
  get current(): UseIndex | undefined {
    return this.#current;
  }

  /** Counts all Pods anew, a slice at a time; what changes meanwhile is counted as it comes. */
  readonly count = async (
    compiled: CompiledAvailability,
    signal: AbortSignal,
  ): Promise<UseIndex> => {
    const { pods, leavesAlone } = this.#options;
    const uses = new UseIndex({
      matchesPod: (pod) => compiled.matchesPod(pod) && !leavesAlone(pod as UsingPod),
      matchesImage: (reference) => scopeMatchesImage(compiled.scope.images, reference),
    });
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

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }

  #see(change: StoreChange<NamedPod>): void {
    const uses = this.#current;
    if (uses === undefined) return;
    if (change.kind === 'deleted') uses.remove(keyOf(change.value));
    else uses.put(keyOf(change.value), change.value);
    if (uses.hasChanged()) this.#options.tellStale();
  }
}

function keyOf({ namespace, name }: NamedPod): string {
  return `${namespace}/${name}`;
}
