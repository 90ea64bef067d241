import { formatReference, type ImageReference } from '#core/image/reference.ts';
import type { PodImageUse } from '#core/monitoring/pod-images-in-use.ts';
import { type ContainerImages, createPodReader } from '#core/monitoring/pod-images-in-use.ts';
import type { ImageBearer } from '#core/routing/rewritten-images.ts';
import { placeKey } from './copy-places.ts';
import type { OriginalJudge, Rewriter } from './original-judge.ts';

/** What one Pod wants to be mirrored, and what it runs. */
export interface PodWants {
  /**
   * The original of each container, and the image as now written unless a mirror put it there
   * (behaviour §5); each once.
   */
  readonly wanted: readonly PodImageUse[];
  /** The images as now written, as `placeKey`: copies among them are in use in any case. */
  readonly running: readonly string[];
  /** The originals of what was rewritten, as `placeKey`: their copies stay as long as the Pod. */
  readonly originals: readonly string[];
}

/** Reads Pods; Pods of one template have one answer. A new judge needs a new reader. */
export function createWantsReader({
  judge,
}: Pick<OriginalJudge, 'judge'>): (pod: NamespacedBearer) => PodWants {
  return createPodReader((containers, namespace) => {
    return readWants(containers, (original, now) => judge({ original, now, namespace }));
  });
}

type NamespacedBearer = ImageBearer & { readonly namespace: string };

function readWants(
  containers: readonly ContainerImages[],
  judge: (original: ImageReference, now: ImageReference) => Rewriter | undefined,
): PodWants {
  const wanted = new Map<string, PodImageUse & { readonly containers: string[] }>();
  const originals = new Set<string>();
  const want = (reference: ImageReference, container: string, original: boolean): void => {
    const image = formatReference(reference);
    const known = wanted.get(image);
    known?.containers.push(container);
    if (known !== undefined && (known.original || !original)) return;
    const before = known?.containers ?? [container];
    wanted.set(image, { image, reference, original, containers: before });
  };
  for (const { container, now, before } of containers) {
    const by = before === undefined ? undefined : judge(before, now);
    if (before === undefined || by === undefined) {
      want(now, container, true);
      continue;
    }
    originals.add(placeKey(before));
    want(before, container, true);
    if (by === 'upstream') want(now, container, false);
  }
  const running = new Set(containers.map(({ now }) => placeKey(now)));
  return { wanted: [...wanted.values()], running: [...running], originals: [...originals] };
}
