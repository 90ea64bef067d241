import type { PodSubject } from '#core/filter/scope.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { type PodImageUse, readPodImages } from './pod-images-in-use.ts';

/** A Pod as far as it says which images it uses; structurally the slim Pod that `kube` keeps. */
export interface UsingPod extends PodSubject {
  /** Container → image as now written. */
  readonly images: Readonly<Record<string, string>>;
  /** Names in the Pod's own namespace. */
  readonly pullSecrets: readonly string[];
  /** Containers whose image cannot be pulled (yet), by their keys. */
  readonly waiting?: readonly string[];
}

/** How the Pods of one resource use one image. */
export interface ImageUse {
  /** Whether somebody wrote it; false for what is there only because a Pod was rewritten. */
  readonly original: boolean;
  /** `namespace/name` of the pull secrets of its Pods, by the alphabet, `pullSecretsMax` at most. */
  readonly pullSecrets: readonly string[];
  /** Of the Pod that used it first; of one that waits for it, where there is one. */
  readonly namespace: string;
  /** The Pod that used it first, as far as resources tell Pods apart. */
  readonly pod: PodSubject;
  /** Whether a Pod waits for it. */
  readonly isWaiting: boolean;
}

/** Which Pods count, and which of their images. */
export interface UseScope<Pod extends UsingPod = UsingPod> {
  /** Whether the resource is about the Pod, and nothing leaves that Pod alone. */
  readonly matchesPod: (pod: Pod) => boolean;
  readonly matchesImage: (reference: ImageReference) => boolean;
  /** The images of a Pod, the same array for Pods that are alike; `readPodImages` unless given. */
  readonly readImages?: (pod: Pod) => readonly PodImageUse[];
}

/** Pull secrets of one image that are looked into: as many as of one Pod that is routed. */
export const pullSecretsMax = 32;

/** What one Pod adds; shared by Pods that are alike. */
interface PodUse {
  readonly uses: readonly PodImageUse[];
  readonly pod: PodSubject;
  readonly pullSecrets: readonly string[];
  readonly waiting: readonly string[];
}

/** How often one image is used, and how. */
interface Count {
  readonly pod: PodSubject;
  pods: number;
  originals: number;
  /** `namespace/name` → Pods that bring it; none for most images, of which there are thousands. */
  secrets: Map<string, number> | undefined;
  /** Namespace → its Pods that wait for the image; none for most. */
  waiting: Map<string, number> | undefined;
  /** As told last; undefined once something changed. */
  told: ImageUse | undefined;
}

/**
 * The images in use by the Pods of one resource, kept up Pod by Pod and never counted anew: what one
 * Pod costs does not depend on how many there are.
 */
export class UseIndex<Pod extends UsingPod = UsingPod> {
  readonly #scope: UseScope<Pod>;
  readonly #pods = new Map<string, PodUse>();
  readonly #counts = new Map<string, Count>();
  /** Pods of one template share their images: what of them matches is found out once. */
  #matching = new WeakMap<readonly PodImageUse[], readonly PodImageUse[]>();
  #changed = new Set<string>();

  constructor(scope: UseScope<Pod>) {
    this.#scope = scope;
  }

  /** A Pod as it is now; one that was known by this key is replaced. */
  readonly put = (key: string, pod: Pod): void => {
    const before = this.#pods.get(key);
    const after = this.#read(pod);
    if (before !== undefined && after !== undefined && isSame(before, after)) return;
    // The new first: what a Pod goes on using must not seem gone in between.
    if (after !== undefined) {
      this.#pods.set(key, after);
      this.#count(after, 1);
    } else this.#pods.delete(key);
    if (before !== undefined) this.#count(before, -1);
  };

  readonly remove = (key: string): void => {
    const before = this.#pods.get(key);
    if (before === undefined) return;
    this.#pods.delete(key);
    this.#count(before, -1);
  };

  readonly get = (image: string): ImageUse | undefined => {
    const count = this.#counts.get(image);
    if (count === undefined) return undefined;
    count.told ??= {
      original: count.originals > 0,
      pod: count.pod,
      namespace: count.waiting?.keys().next().value ?? count.pod.namespace,
      isWaiting: count.waiting !== undefined && count.waiting.size > 0,
      pullSecrets: [...(count.secrets?.keys() ?? [])].sort().slice(0, pullSecretsMax),
    };
    return count.told;
  };

  readonly images = (): Iterable<string> => this.#counts.keys();

  readonly hasChanged = (): boolean => this.#changed.size > 0;

  /** Images whose use changed since the last call. */
  readonly takeChanged = (): ReadonlySet<string> => {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  };

  #read(pod: Pod): PodUse | undefined {
    const { matchesPod, readImages = readPodImages } = this.#scope;
    if (!matchesPod(pod)) return undefined;
    const uses = this.#matchingOf(readImages(pod));
    const { pullSecrets, waiting = none } = pod;
    return uses.length === 0 ? undefined : { uses, pod: subjectOf(pod), pullSecrets, waiting };
  }

  #matchingOf(uses: readonly PodImageUse[]): readonly PodImageUse[] {
    const known = this.#matching.get(uses);
    if (known !== undefined) return known;
    const matching = uses.filter(
      ({ image, reference }) => this.#counts.has(image) || this.#scope.matchesImage(reference),
    );
    this.#matching.set(uses, matching);
    return matching;
  }

  #count({ uses, pod, pullSecrets, waiting }: PodUse, by: 1 | -1): void {
    const { namespace } = pod;
    for (const { image, original, containers = none } of uses) {
      const count = this.#countOf(image, pod);
      count.pods += by;
      count.originals += original ? by : 0;
      for (const name of pullSecrets) {
        count.secrets ??= new Map();
        addTo(count.secrets, `${namespace}/${name}`, by);
      }
      if (waiting.length > 0 && containers.some((one) => waiting.includes(one))) {
        count.waiting ??= new Map();
        addTo(count.waiting, namespace, by);
      }
      count.told = undefined;
      this.#changed.add(image);
      if (count.pods === 0) this.#counts.delete(image);
    }
  }

  #countOf(image: string, pod: PodSubject): Count {
    const known = this.#counts.get(image);
    if (known !== undefined) return known;
    const count: Count = {
      ...{ pod, pods: 0, originals: 0 },
      ...{ secrets: undefined, waiting: undefined, told: undefined },
    };
    this.#counts.set(image, count);
    return count;
  }
}

const none: readonly string[] = [];

function subjectOf({ namespace, labels, annotations }: PodSubject): PodSubject {
  return { namespace, labels, annotations };
}

function addTo(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function isSame(left: PodUse, right: PodUse): boolean {
  return (
    left.uses === right.uses &&
    left.pod.namespace === right.pod.namespace &&
    isSameList(left.pullSecrets, right.pullSecrets) &&
    isSameList(left.waiting, right.waiting)
  );
}

function isSameList(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}
