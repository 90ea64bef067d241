import type { PodSubject } from '#core/filter/scope.ts';
import { compileSelector, type Selector, selectorMatches } from '#core/filter/selector.ts';
import { formatReference, type ImageReference, parseReference } from '#core/image/reference.ts';
import { isObject } from '#core/json.ts';
import type { PodAdmission } from '#core/pod.ts';
import { imagesOf, type PodImage } from '#core/pod-images.ts';
import { ORIGINAL_IMAGES, readContainerAnnotation, STATIC_POD } from './annotations.ts';
import { type Candidate, candidates } from './candidates.ts';
import type { RoutingPolicy } from './policy.ts';
import type { RoutingTable } from './table.ts';

/** One image of a Pod and what is to be done with it. */
export type ContainerPlan = PlannedContainer | SkippedContainer;

/** An image that is routed: the candidates are already known. */
export interface PlannedContainer {
  readonly kind: 'route';
  readonly container: PodImage;
  readonly reference: ImageReference;
  readonly candidates: readonly Candidate[];
}

/** An image that is left alone (behaviour §3.1). */
export interface SkippedContainer {
  readonly kind: 'skip';
  readonly container: PodImage;
  readonly skip: SkipReason;
  /** Half a sentence for a person. */
  readonly why: string;
}

/** Why an image is left alone; an unparsable one is worth a line in the log. */
export type SkipReason = 'StaticPod' | 'SkippedPod' | 'NeverPulled' | 'Processed' | 'Unparsable';

/** What is to be done with each image of a review's Pod (behaviour §3.1 and §3.2). */
export function planContainers(
  table: RoutingTable,
  admission: PodAdmission,
  policy: RoutingPolicy,
): readonly ContainerPlan[] {
  const pod = subjectOf(admission);
  const wholePod = skipsPod(pod, policy);
  const originals = readContainerAnnotation(pod.annotations, ORIGINAL_IMAGES);
  return imagesOf(admission).map((container) => {
    if (wholePod !== undefined) return { kind: 'skip', container, ...wholePod };
    if (container.policy === 'Never' && !policy.rewriteOnNeverImagePullPolicy) {
      return { kind: 'skip', container, skip: 'NeverPulled', why: 'its pull policy is Never' };
    }
    const reference = parseReference(container.image);
    if (!reference.ok) {
      return { kind: 'skip', container, skip: 'Unparsable', why: reference.error.message };
    }
    const imagePullPolicy = container.policy;
    const ask = (image: ImageReference) =>
      candidates(table, { ...pod, image, imagePullPolicy }, policy);
    if (isProcessed(reference.value, originals.get(container.key), ask)) {
      return { kind: 'skip', container, skip: 'Processed', why: 'it was routed before' };
    }
    const found = ask(reference.value);
    return { kind: 'route', container, reference: reference.value, candidates: found };
  });
}

/** Namespace, labels and annotations of the Pod that a review is about. */
function subjectOf({ pod, namespace }: PodAdmission): PodSubject {
  return {
    namespace,
    labels: textsOf(pod.metadata?.labels),
    annotations: textsOf(pod.metadata?.annotations),
  };
}

/** Whether the Pod is left alone by its labels, its annotations, or because it is static. */
function skipsPod(
  pod: PodSubject,
  policy: Pick<RoutingPolicy, 'skipLabels' | 'skipAnnotations'>,
): { readonly skip: SkipReason; readonly why: string } | undefined {
  if (Object.hasOwn(pod.annotations, STATIC_POD)) {
    return { skip: 'StaticPod', why: 'the Pod is the mirror of a static one' };
  }
  return leavesAlone(pod, policy);
}

/** Whether the configuration leaves such Pods alone everywhere (behaviour §7), and why. */
export function leavesAlone(
  pod: PodSubject,
  policy: Pick<RoutingPolicy, 'skipLabels' | 'skipAnnotations'>,
): { readonly skip: 'SkippedPod'; readonly why: string } | undefined {
  const lists = [
    ['skipLabels', pod.labels],
    ['skipAnnotations', pod.annotations],
  ] as const;
  for (const [name, pairs] of lists) {
    const found = selectorsOf(policy[name]).find((one) => selectorMatches(one, pairs));
    if (found !== undefined) return { skip: 'SkippedPod', why: `${name} has "${found.source}"` };
  }
  return undefined;
}

/**
 * Whether the container was routed before: it runs what the annotation calls its original, or a
 * candidate of that. One that runs something else is routed as it stands: annotations are copied
 * from Pod to Pod, and images are changed after them.
 */
function isProcessed(
  image: ImageReference,
  annotated: string | undefined,
  ask: (original: ImageReference) => readonly Candidate[],
): boolean {
  if (annotated === undefined) return false;
  const original = parseReference(annotated);
  if (!original.ok) return false;
  const text = formatReference(image);
  if (formatReference(original.value) === text) return true;
  return ask(original.value).some((candidate) => candidate.image === text);
}

/** Compiled once a list: the configuration's own, as long as the process lives. */
const compiledLists = new WeakMap<readonly string[], readonly Selector[]>();

/** The configuration's loader has refused bad selectors; one that slips through matches nothing. */
function selectorsOf(list: readonly string[]): readonly Selector[] {
  const known = compiledLists.get(list);
  if (known !== undefined) return known;
  const compiled = list.flatMap((source) => {
    const selector = compileSelector(source);
    return selector.ok ? selector.value : [];
  });
  compiledLists.set(list, compiled);
  return compiled;
}

/** Labels or annotations from outside; what is no object is none. */
function textsOf(pairs: unknown): Readonly<Record<string, string>> {
  return isObject(pairs) ? (pairs as Readonly<Record<string, string>>) : {};
}
