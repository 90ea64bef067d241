import { formatReference, type ImageReference, parseReference } from '#core/image/reference.ts';
import { readOwn } from '#core/json.ts';
import { ORIGINAL_IMAGES, readContainerAnnotation } from '#core/routing/annotations.ts';
import type { ImageBearer } from '#core/routing/rewritten-images.ts';

/** One image that a Pod uses, or used before it was rewritten. */
export interface PodImageUse {
  /** Full form; one written without a tag has none. */
  readonly image: string;
  readonly reference: ImageReference;
  /** True for what a user wrote; false for what stands there because the Pod was rewritten. */
  readonly original: boolean;
  /** The containers that use it, by their keys; absent where nobody asks for them. */
  readonly containers?: readonly string[];
}

/** The image of one container, and what its annotation says that it was before. */
export interface ContainerImages {
  /** `app`, `init:migrate`, `volume:models`. */
  readonly container: string;
  readonly now: ImageReference;
  /** Absent where nothing was rewritten; what anybody may have written there, otherwise. */
  readonly before?: ImageReference;
}

/**
 * The images of a Pod as now written and the originals of those that were rewritten, each once; one
 * that cannot be parsed is left out. The answer is the same array for Pods that are alike.
 */
export const readPodImages: (pod: ImageBearer) => readonly PodImageUse[] =
  createPodReader(readUses);

/** Annotations remembered beside one map: rewritten alike, Pods of one template have one. */
const annotationsMax = 16;

/**
 * Makes a reader that remembers what it read of one map of images, by the annotation beside it, and
 * by the namespace of that: who may be believed depends on it. Pods
 * of one template share the map (`kube/intern.ts`), so ten thousand Pods are read as often as there
 * are templates, and have one answer.
 */
export function createPodReader<T>(
  read: (containers: readonly ContainerImages[], namespace: string) => T,
): (pod: ImageBearer & { readonly namespace?: string }) => T {
  const remembered = new WeakMap<object, Map<string, T>>();
  return (pod) => {
    const { namespace = '' } = pod;
    const annotation = readOwn(pod.annotations, ORIGINAL_IMAGES) ?? '';
    // What nobody says to be rewritten is read alike in all namespaces.
    const key = annotation === '' ? '' : `${namespace} ${annotation}`;
    const known = remembered.get(pod.images);
    const same = known?.get(key);
    if (same !== undefined) return same;
    const answer = read(readContainers(pod), namespace);
    if (known === undefined) remembered.set(pod.images, new Map([[key, answer]]));
    else if (known.size < annotationsMax) known.set(key, answer);
    return answer;
  };
}

function readUses(containers: readonly ContainerImages[]): readonly PodImageUse[] {
  const uses = new Map<string, PodImageUse>();
  const add = (reference: ImageReference, original: boolean): void => {
    const image = formatReference(reference);
    // Written by somebody in one container is written by somebody.
    if (original || !uses.has(image)) uses.set(image, { image, reference, original });
  };
  for (const { now, before } of containers) {
    add(now, before === undefined);
    if (before !== undefined) add(before, true);
  }
  return [...uses.values()];
}

function readContainers({ images, annotations }: ImageBearer): readonly ContainerImages[] {
  const originals = readContainerAnnotation(annotations, ORIGINAL_IMAGES);
  return Object.entries(images).flatMap(([container, image]) => {
    const now = parseReference(image);
    if (!now.ok) return [];
    const before = originalOf(originals.get(container), now.value);
    return { container, now: now.value, ...(before !== undefined && { before }) };
  });
}

/**
 * What the container's image was before it was rewritten. Annotations are copied from Pod to Pod and
 * images are changed after them: routing keeps tag and digest, so another tag is somebody's own.
 */
function originalOf(
  annotated: string | undefined,
  now: ImageReference,
): ImageReference | undefined {
  if (annotated === undefined) return undefined;
  const original = parseReference(annotated);
  if (!original.ok) return undefined;
  const { tag, digest } = original.value;
  if (tag !== now.tag || digest !== now.digest) return undefined;
  return formatReference(original.value) === formatReference(now) ? undefined : original.value;
}
