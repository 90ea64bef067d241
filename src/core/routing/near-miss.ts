import type { KuikResource } from '#api/kinds.ts';
import type { MatchSteps } from '#core/filter/full-match.ts';
import { hasItems, type IncludeExclude, letsThrough } from '#core/filter/include-exclude.ts';
import type { Pattern } from '#core/filter/pattern.ts';
import { filterTexts, matchesAnyText, type PodSubject, type Scope } from '#core/filter/scope.ts';
import { selectorMatches } from '#core/filter/selector.ts';
import type { ImageReference } from '#core/image/reference.ts';
import {
  type CompiledResource,
  type CompiledUpstream,
  MATCH_STEPS_MAX,
  type NamedImage,
} from './compiled.ts';
import { pathBelow } from './location.ts';

/** Why a resource that comes near an image of a Pod does not apply to it (behaviour §2). */
export interface NearMiss {
  /** The image, in full form. */
  readonly image: string;
  /** The field of the spec that leaves it out. */
  readonly field: MissedField;
  /** A sentence for whoever wrote the resource. */
  readonly message: string;
  /** The higher, the nearer: how much of the resource does match. */
  readonly closeness: number;
}

/** The fields that may leave an image out, as `kubectl explain` names them below `spec`. */
export type MissedField = 'imageFilter' | 'path' | 'namespaceFilter' | 'podFilter' | 'filter';

/** A resource as written and as compiled. */
export interface AskedResource {
  readonly resource: KuikResource;
  readonly compiled: CompiledResource;
}

/**
 * The field that leaves the image of this Pod out; undefined where it applies, or is far away. Searching
 * is counted as matching is: where it takes too many steps nothing is said.
 */
export function nearMiss(
  { resource, compiled }: AskedResource,
  named: NamedImage,
  pod: PodSubject,
): NearMiss | undefined {
  const { ownNamespace } = compiled.scope;
  if (ownNamespace !== undefined && ownNamespace !== pod.namespace) return undefined;
  const isUnified = hasItems(resource.spec?.filter);
  const steps = { left: MATCH_STEPS_MAX };
  const image = { ...named, steps };
  const byImage =
    compiled.type === 'set'
      ? missOfUpstreams(compiled.upstreams, image)
      : missOfImages(compiled.scope.images, image, isUnified);
  const miss =
    byImage === 'matches' ? missOfPod(compiled.scope, { image, pod, isUnified }) : byImage;
  return steps.left < 0 ? undefined : miss;
}

/** An image, and what is left to find out about it. */
interface SearchedImage extends NamedImage {
  readonly steps: MatchSteps;
}

/** Of equals the first by the name of the image. */
export function nearer(left: NearMiss | undefined, right: NearMiss): NearMiss {
  if (left === undefined || right.closeness > left.closeness) return right;
  return right.closeness === left.closeness && right.image < left.image ? right : left;
}

const closeness = { excluded: 0, besidePath: 1, contains: 2, otherPod: 3 } as const;

function missOfUpstreams(
  upstreams: readonly CompiledUpstream[],
  image: SearchedImage,
): NearMiss | 'matches' | undefined {
  let nearest: NearMiss | undefined;
  for (const upstream of upstreams) {
    const miss = missOfUpstream(upstream, image);
    if (miss === 'matches') return miss;
    if (miss !== undefined) nearest = nearer(nearest, miss);
  }
  return nearest;
}

function missOfUpstream(
  { location, filter }: CompiledUpstream,
  { reference, text, steps }: SearchedImage,
): NearMiss | 'matches' | undefined {
  if (filter === undefined || location.registry !== reference.registry) return undefined;
  const fullTexts = filterTexts(reference);
  const texts = [...fullTexts.map((one) => one.slice(reference.registry.length)), ...fullTexts];
  if (pathBelow(location, reference) === undefined) {
    const path = `/${location.path}`;
    const message = `${text} lies beside the path ${path}${librarySuggestion(reference, location.path)}`;
    const isNear = texts.some((one) => containsAny(filter, one, steps));
    const near = isNear ? closeness.contains : closeness.besidePath;
    return { image: text, field: 'path', message, closeness: near };
  }
  if (matchesAnyText(filter, texts, steps)) return 'matches';
  return missOfPatterns(filter, { texts, image: text, steps, field: 'imageFilter' });
}

/** Official images of Docker Hub have a path that nobody writes. */
function librarySuggestion({ registry, path }: ImageReference, written: string): string {
  const isLibrary = registry === 'docker.io' && path === `library/${written}`;
  return isLibrary ? `: on docker.io it is /library/${written}` : '';
}

function missOfImages(
  images: Scope['images'],
  { reference, text, steps }: SearchedImage,
  isUnified: boolean,
): NearMiss | 'matches' | undefined {
  if (images === 'nothing') return undefined;
  const texts = filterTexts(reference);
  if (matchesAnyText(images, texts, steps)) return 'matches';
  const field = isUnified ? 'filter' : 'imageFilter';
  return missOfPatterns(images, { texts, image: text, steps, field });
}

function missOfPatterns(
  patterns: IncludeExclude<Pattern>,
  { texts, image, steps, field }: SearchedTexts,
): NearMiss | undefined {
  const isMatch = ({ matches }: Pattern) => texts.some((one) => matches(one, steps));
  const exclude = patterns.exclude.find(isMatch);
  const isIncluded = letsThrough({ include: patterns.include, exclude: [] }, isMatch);
  if (exclude !== undefined && isIncluded) {
    const message = `${image} is excluded by ${exclude.source}`;
    return { image, field, message, closeness: closeness.excluded };
  }
  const include = patterns.include.find(({ finds }) => texts.some((one) => finds(one, steps)));
  if (include === undefined) return undefined;
  const message = `${image} only contains a match of ${include.source}: a pattern matches the whole image`;
  return { image, field, message, closeness: closeness.contains };
}

/** What patterns are held against. */
interface SearchedTexts extends Pick<SearchedImage, 'steps'> {
  readonly texts: readonly string[];
  readonly image: string;
  readonly field: 'imageFilter' | 'filter';
}

function missOfPod(
  scope: Scope,
  given: { readonly image: SearchedImage; readonly pod: PodSubject; readonly isUnified: boolean },
): NearMiss | undefined {
  const { pod, isUnified, image } = given;
  const miss = (field: MissedField, what: string): NearMiss => ({
    image: image.text,
    field: isUnified ? 'filter' : field,
    message: `${image.text} is used by a Pod whose ${what} left out (namespace ${pod.namespace})`,
    closeness: closeness.otherPod,
  });
  if (!letsThrough(scope.namespaces, ({ matches }) => matches(pod.namespace, image.steps))) {
    return miss('namespaceFilter', 'namespace is');
  }
  if (!letsThrough(scope.labels, (selector) => selectorMatches(selector, pod.labels))) {
    return miss('podFilter', 'labels are');
  }
  if (!letsThrough(scope.annotations, (selector) => selectorMatches(selector, pod.annotations))) {
    return miss('podFilter', 'annotations are');
  }
  return undefined;
}

function containsAny(
  { include }: IncludeExclude<Pattern>,
  text: string,
  steps: MatchSteps,
): boolean {
  return include.some(({ finds }) => finds(text, steps));
}
