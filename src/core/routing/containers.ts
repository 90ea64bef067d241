import type { PodSubject } from '#core/filter/scope.ts';
import { compileSelector, type Selector, selectorMatches } from '#core/filter/selector.ts';
import { formatReference, type ImageReference, parseReference } from '#core/image/reference.ts';
import { isObject } from '#core/json.ts';
import type { PodAdmission, PodSpec, PullPolicy } from '#core/pod.ts';
import { imagesOf, type PodImage } from '#core/pod-images.ts';
import { drain } from '#core/steps.ts';
import { ORIGINAL_IMAGES, readContainerAnnotation, STATIC_POD } from './annotations.ts';
import {
  CANDIDATES_MAX,
  type Candidate,
  type CandidateList,
  candidatesInSteps,
} from './candidates.ts';
import type { RoutingPolicy } from './policy.ts';
import type { RoutingTable } from './table.ts';
import type { LeftOutCopy } from './why-left-out.ts';

/** One image of a Pod and what is to be done with it. */
export type ContainerPlan = PlannedContainer | SkippedContainer;

/** An image that is routed: the candidates are already known. */
export interface PlannedContainer {
  readonly kind: 'route';
  readonly container: PodImage;
  readonly reference: ImageReference;
  readonly candidates: readonly Candidate[];
  /** The copies that it is not offered. */
  readonly leftOut: readonly LeftOutCopy[];
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

/** What is to be done with the images of one Pod. */
export interface PodPlan {
  /** One an image, in the Pod's order; those beyond `IMAGES_MAX` are left out. */
  readonly containers: readonly ContainerPlan[];
  /** Sentences for whoever creates the Pod. */
  readonly warnings: readonly string[];
}

/** The images of `planInSteps`, at once. */
export function planContainers(
  table: RoutingTable,
  admission: PodAdmission,
  policy: RoutingPolicy,
): readonly ContainerPlan[] {
  return drain(planInSteps(table, admission, policy)).containers;
}

/** Images of one Pod that are routed: no Pod of good will has so many, and one may name thousands. */
export const IMAGES_MAX = 64;

/**
 * What is to be done with each image of a review's Pod (behaviour §3.1 and §3.2); yields after each
 * step, where others may go in between.
 */
export function* planInSteps(
  table: RoutingTable,
  admission: PodAdmission,
  policy: RoutingPolicy,
): Generator<void, PodPlan> {
  const planner = new PodPlanner(table, admission, policy);
  const containers: ContainerPlan[] = [];
  const images = imagesOf(admission);
  for (const container of images.slice(0, IMAGES_MAX)) {
    containers.push(yield* planner.plan(container));
  }
  const left = images.length - containers.length;
  const warnings =
    left > 0 ? [`only ${IMAGES_MAX} images of a Pod are routed, ${left} keep theirs`] : [];
  return { containers, warnings: [...warnings, ...planner.warnings] };
}

/** What is the same for all images of a Pod; one that repeats is asked about once. */
class PodPlanner {
  readonly warnings = new Set<string>();
  readonly #table: RoutingTable;
  readonly #policy: RoutingPolicy;
  readonly #pod: ReturnType<typeof subjectOf>;
  readonly #spec: PodSpec;
  readonly #wholePod: ReturnType<typeof skipsPod>;
  readonly #originals: ReadonlyMap<string, string>;
  readonly #lists = new Map<string, CandidateList>();

  constructor(table: RoutingTable, admission: PodAdmission, policy: RoutingPolicy) {
    this.#table = table;
    this.#policy = policy;
    this.#pod = subjectOf(admission);
    this.#spec = admission.pod.spec ?? {};
    this.#wholePod = skipsPod(this.#pod, policy);
    this.#originals = readContainerAnnotation(this.#pod.annotations, ORIGINAL_IMAGES);
  }

  *plan(container: PodImage): Generator<void, ContainerPlan> {
    const { policy, image } = container;
    if (this.#wholePod !== undefined) return { kind: 'skip', container, ...this.#wholePod };
    if (policy === 'Never' && !this.#policy.rewriteOnNeverImagePullPolicy) {
      return { kind: 'skip', container, skip: 'NeverPulled', why: 'its pull policy is Never' };
    }
    const read = parseReference(image);
    if (!read.ok) return { kind: 'skip', container, skip: 'Unparsable', why: read.error.message };
    const reference = read.value;
    if (yield* this.#isProcessed(container, reference)) {
      return { kind: 'skip', container, skip: 'Processed', why: 'it was routed before' };
    }
    const { candidates, leftOut } = yield* this.#ask(reference, policy);
    return { kind: 'route', container, reference, candidates, leftOut };
  }

  /**
   * Whether the container was routed before: it runs what the annotation calls its original, or a
   * candidate of that. One that runs something else is routed as it stands: annotations are copied
   * from Pod to Pod, and images are changed after them.
   */
  *#isProcessed({ key, policy }: PodImage, image: ImageReference): Generator<void, boolean> {
    const annotated = this.#originals.get(key);
    const original = annotated === undefined ? undefined : parseReference(annotated);
    if (original?.ok !== true) return false;
    const text = formatReference(image);
    if (formatReference(original.value) === text) return true;
    const { candidates } = yield* this.#ask(original.value, policy);
    return candidates.some((candidate) => candidate.image === text);
  }

  *#ask(image: ImageReference, policy: PullPolicy): Generator<void, CandidateList> {
    const text = formatReference(image);
    const key = `${policy} ${text}`;
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const subject = { ...this.#pod, spec: this.#spec, image, imagePullPolicy: policy };
    const list = yield* candidatesInSteps(this.#table, subject, this.#policy);
    this.#lists.set(key, list);
    if (list.isCut) {
      this.warnings.add(`${text}: only the first ${CANDIDATES_MAX} other images are considered`);
    }
    for (const origin of list.exhausted) {
      this.warnings.add(`${origin} does not apply: its patterns took too many steps on ${text}`);
    }
    return list;
  }
}

/** Namespace, labels and annotations of the Pod that a review is about. */
export function subjectOf({ pod, namespace }: PodAdmission): PodSubject {
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
