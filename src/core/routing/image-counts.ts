import type { KuikResource } from '#api/kinds.ts';
import { type PodSubject, scopeMatchesImage } from '#core/filter/scope.ts';
import type { ImageReference } from '#core/image/reference.ts';
import { readPodImages } from '#core/monitoring/pod-images-in-use.ts';
import { isFinished } from '#core/pod.ts';
import type { CompiledResource, NamedImage } from './compiled.ts';
import { leavesAlone } from './containers.ts';
import { type AskedResource, type NearMiss, nearer, nearMiss } from './near-miss.ts';
import type { RoutingPolicy } from './policy.ts';
import type { ImageBearer } from './rewritten-images.ts';
import type { RoutingTable } from './table.ts';

/** A Pod as far as its images are counted. */
export interface CountedPod extends PodSubject, ImageBearer {
  readonly phase: string;
}

/** What one resource takes care of. */
export interface ImageCount {
  /** Originals of Pods that have not finished, each once. */
  readonly used: number;
  /** Further images that its status lists: those of a mirror that no Pod uses any more. */
  readonly unused: number;
  /** Of a mirror the images that it matches and never copies, since only kubelets can pull them. */
  readonly nodeOnly?: number;
  /** Of a resource that could match and does not: the image that comes nearest. */
  readonly nearest?: NearMiss;
}

/**
 * Counts what each resource matches. Patterns are what costs: each image is held against each
 * resource once, however often is counted, and nearness is asked only of what matches nothing.
 */
export class ImageCounter {
  /** All images seen, in the order in which they came. */
  #images: NamedImage[] = [];
  #seen = new Set<string>();
  #verdicts = new Map<CompiledResource, Verdicts>();

  /**
   * Counts anew, by resource (`Kind/[namespace/]name`). Yields after each small piece of work, so
   * that whoever drives it can let others go first.
   */
  *count(state: CountedState): Generator<void, ImageCounts> {
    const { table, pods, policy, listedOf } = state;
    const used = new Map<string, Map<string, PodSubject>>();
    for (const pod of pods) {
      const isCounted = !isFinished(pod) && leavesAlone(pod, policy) === undefined;
      if (isCounted) this.#addPod(used, pod);
      yield;
    }
    this.#forget(used, table);
    const counts = new Map<string, ImageCount>();
    for (const [origin, { resource, outcome }] of table.entries) {
      const listed = listedOf(resource);
      const count = outcome.ok
        ? yield* this.#countOf({ resource, compiled: outcome.value }, { ...state, used, listed })
        : { used: 0, unused: listed.length };
      counts.set(origin, count);
    }
    return counts;
  }

  #addPod(used: Map<string, Map<string, PodSubject>>, pod: CountedPod): void {
    for (const { image, reference, original } of readPodImages(pod)) {
      if (!original) continue;
      if (!this.#seen.has(image)) this.#images.push({ reference, text: image });
      this.#seen.add(image);
      const alike = used.get(image) ?? new Map<string, PodSubject>();
      used.set(image, alike.set(likenessOf(pod), pod));
    }
  }

  /** Begins anew once most of what was seen is gone, and forgets resources that are. */
  #forget(used: UsedImages, table: RoutingTable): void {
    const present = new Set(
      [...table.entries.values()].flatMap(({ outcome }) => (outcome.ok ? outcome.value : [])),
    );
    for (const compiled of this.#verdicts.keys()) {
      if (!present.has(compiled)) this.#verdicts.delete(compiled);
    }
    if (this.#images.length <= 2 * used.size + imagesKept) return;
    this.#images = this.#images.filter(({ text }) => used.has(text));
    this.#seen = new Set(this.#images.map(({ text }) => text));
    this.#verdicts.clear();
  }

  *#countOf(asked: AskedResource, given: CountedImages): Generator<void, ImageCount> {
    const { compiled } = asked;
    const { used, listed } = given;
    const verdicts = this.#verdicts.get(compiled) ?? newVerdicts();
    this.#verdicts.set(compiled, verdicts);
    yield* this.#match(compiled, verdicts);
    const { taken, nodeOnly } = yield* takenOf(compiled, verdicts, given);
    const unused = [...new Set(listed)].filter((image) => !taken.has(image)).length;
    const counted = { used: taken.size, unused, ...(nodeOnly > 0 && { nodeOnly }) };
    if (taken.size + nodeOnly > 0 || !couldMatch(compiled)) return counted;
    yield* this.#comeNear(asked, verdicts);
    const ofPods = yield* nearestByPods(asked, verdicts, used);
    const nearest = ofPods ?? (yield* nearestByImage(asked, verdicts, used));
    return nearest === undefined ? counted : { ...counted, nearest };
  }

  *#match(compiled: CompiledResource, verdicts: Verdicts): Generator<void, void> {
    for (; verdicts.matchedUpTo < this.#images.length; verdicts.matchedUpTo += 1) {
      const image = this.#images[verdicts.matchedUpTo];
      if (image !== undefined && matches(compiled, image)) verdicts.matched.push(image);
      yield;
    }
  }

  /** Finds, of the images that do not match, those that come near. */
  *#comeNear(asked: AskedResource, verdicts: Verdicts): Generator<void, void> {
    const nobody = {
      namespace: asked.compiled.scope.ownNamespace ?? '',
      labels: {},
      annotations: {},
    };
    const matched = new Set(verdicts.matched);
    for (; verdicts.nearUpTo < this.#images.length; verdicts.nearUpTo += 1) {
      const image = this.#images[verdicts.nearUpTo];
      if (image === undefined || matched.has(image)) continue;
      const miss = nearMiss(asked, image, nobody);
      if (miss !== undefined) verdicts.near.set(image.text, miss);
      yield;
    }
  }
}

/** By resource; one that is left out takes care of none. */
export type ImageCounts = ReadonlyMap<string, ImageCount>;

/** Images that no Pod uses any more may be so many more than those in use before they are forgotten. */
const imagesKept = 1_000;

/** What is counted. */
export interface CountedState {
  readonly table: RoutingTable;
  readonly pods: Iterable<CountedPod>;
  /** Pods that are left alone use nothing. */
  readonly policy: Pick<RoutingPolicy, 'skipLabels' | 'skipAnnotations'>;
  /** The images that the status of a mirror resource lists, in full form. */
  readonly listedOf: (resource: KuikResource) => readonly string[];
  /** Whether only kubelets can pull an image; of none, unless told. */
  readonly isNodeOnly?: (reference: ImageReference) => boolean;
}

/** What one resource is held against. */
interface CountedImages extends Pick<CountedState, 'isNodeOnly'> {
  readonly used: UsedImages;
  readonly listed: readonly string[];
}

/** By image, one Pod of each likeness that uses it: Pods of one template are judged alike. */
type UsedImages = ReadonlyMap<string, Map<string, PodSubject>>;

/** What one resource was asked, up to which image. */
interface Verdicts {
  matchedUpTo: number;
  nearUpTo: number;
  readonly matched: NamedImage[];
  readonly near: Map<string, NearMiss>;
}

function newVerdicts(): Verdicts {
  return { matchedUpTo: 0, nearUpTo: 0, matched: [], near: new Map() };
}

function matches(compiled: CompiledResource, image: NamedImage): boolean {
  if (compiled.type !== 'availability') return compiled.match(image) !== null;
  return scopeMatchesImage(compiled.scope.images, image.reference);
}

function couldMatch({ problems }: CompiledResource): boolean {
  return problems.every(({ reason }) => reason !== 'MatchesNothing');
}

/** The images that a resource takes care of, and how many it would if not only kubelets could pull them. */
function* takenOf(
  { type, matchesPod }: CompiledResource,
  { matched }: Verdicts,
  { used, isNodeOnly = () => false }: CountedImages,
): Generator<void, { readonly taken: ReadonlySet<string>; readonly nodeOnly: number }> {
  const taken = new Set<string>();
  let nodeOnly = 0;
  for (const { text, reference } of matched) {
    const pods = used.get(text)?.values() ?? [];
    yield;
    if (!Iterator.from(pods).some(matchesPod)) continue;
    if (type === 'mirror' && isNodeOnly(reference)) nodeOnly += 1;
    else taken.add(text);
  }
  return { taken, nodeOnly };
}

/** Of the images that match, which only Pods use that the filters leave out: nothing is nearer. */
function* nearestByPods(
  asked: AskedResource,
  { matched }: Verdicts,
  used: UsedImages,
): Generator<void, NearMiss | undefined> {
  let nearest: NearMiss | undefined;
  for (const image of matched) {
    for (const pod of used.get(image.text)?.values() ?? []) {
      const miss = nearMiss(asked, image, pod);
      if (miss !== undefined) nearest = nearer(nearest, miss);
      yield;
    }
  }
  return nearest;
}

function* nearestByImage(
  { compiled }: AskedResource,
  { near }: Verdicts,
  used: UsedImages,
): Generator<void, NearMiss | undefined> {
  const { ownNamespace } = compiled.scope;
  const isSeen = ({ namespace }: PodSubject) => [undefined, namespace].includes(ownNamespace);
  let nearest: NearMiss | undefined;
  for (const [text, miss] of near) {
    const pods = Iterator.from(used.get(text)?.values() ?? []);
    if (pods.some(isSeen)) nearest = nearer(nearest, miss);
    yield;
  }
  return nearest;
}

/** Equal for Pods that no resource tells apart; labels and annotations of like Pods are one object. */
function likenessOf({ namespace, labels, annotations }: CountedPod): string {
  return `${namespace}/${numberOf(labels)}/${numberOf(annotations)}`;
}

const numbers = new WeakMap<object, number>();
let lastNumber = 0;

function numberOf(object: object): number {
  const known = numbers.get(object);
  if (known !== undefined) return known;
  lastNumber += 1;
  numbers.set(object, lastNumber);
  return lastNumber;
}
