import { formatReference, type ImageReference, isUntagged } from '#core/image/reference.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { FieldProblem } from '#core/spec-problem.ts';
import { itemsOfDimension, unifiedFilterProblem } from './filter-items.ts';
import {
  compileLists,
  EVERYTHING,
  hasItems,
  type IncludeExclude,
  letsThrough,
  type WrittenLists,
} from './include-exclude.ts';
import { type CompilePattern, type Pattern, patternCompiler } from './pattern.ts';
import { compileSelector, type Selector, selectorMatches } from './selector.ts';
import type { KeyValues } from './selector-requirement.ts';
import type { FilterDimension, ScopeKind, WrittenFilters } from './written-filters.ts';

/**
 * Which Pods, and which of their images, a resource is about. The one form of all spellings
 * (behaviour §2): nothing behind it knows which was written.
 */
export interface Scope {
  /** The resource's own namespace, for namespaced kinds: it sees no other. */
  readonly ownNamespace?: string;
  readonly namespaces: IncludeExclude<Pattern>;
  readonly labels: IncludeExclude<Selector>;
  readonly annotations: IncludeExclude<Selector>;
  /** `nothing` for a mirror or a cisa that chooses no images; everything on the set kinds. */
  readonly images: ImageScope;
}

/** Which images: patterns over the normalised reference, or none whatever it is. */
export type ImageScope = IncludeExclude<Pattern> | 'nothing';

/** The parts of a Pod that a scope looks at. */
export interface PodSubject {
  readonly namespace: string;
  readonly labels: KeyValues;
  readonly annotations: KeyValues;
}

/** Compiles the filters of one spec; the first problem leaves the resource out. */
export function compileScope(
  written: WrittenFilters,
  kind: ScopeKind,
  compile: CompilePattern = patternCompiler(),
): Result<Scope, FieldProblem> {
  const lists = hasItems(written.filter)
    ? listsOfUnified(written, kind)
    : listsOfSeparate(written, kind);
  if (!lists.ok) return lists;
  const { namespaces, labels, annotations, images, path } = lists.value;
  const compiledNamespaces = compileLists(namespaces, path('namespace'), compile);
  if (!compiledNamespaces.ok) return compiledNamespaces;
  const compiledLabels = compileLists(labels, path('label'), compileSelector);
  if (!compiledLabels.ok) return compiledLabels;
  const compiledAnnotations = compileLists(annotations, path('annotation'), compileSelector);
  if (!compiledAnnotations.ok) return compiledAnnotations;
  const compiledImages = compileLists(images, path('image'), compile);
  if (!compiledImages.ok) return compiledImages;
  return succeed({
    ...(kind.ownNamespace !== undefined && { ownNamespace: kind.ownNamespace }),
    namespaces: compiledNamespaces.value,
    labels: compiledLabels.value,
    annotations: compiledAnnotations.value,
    images: images === undefined ? 'nothing' : compiledImages.value,
  });
}

/** Whether the labels and annotations are those of a Pod that the resource is about. */
export function scopeMatchesMetadata(scope: Scope, pod: PodSubject): boolean {
  return (
    letsThrough(scope.labels, (selector) => selectorMatches(selector, pod.labels)) &&
    letsThrough(scope.annotations, (selector) => selectorMatches(selector, pod.annotations))
  );
}

/** Whether the resource is about Pods of this namespace. */
export function scopeMatchesNamespace(scope: Scope, namespace: string): boolean {
  if (scope.ownNamespace !== undefined && scope.ownNamespace !== namespace) return false;
  return letsThrough(scope.namespaces, (pattern) => pattern.matches(namespace));
}

/** Whether the images of the scope include this one. */
export function scopeMatchesImage(images: ImageScope, reference: ImageReference): boolean {
  return images !== 'nothing' && matchesAnyText(images, filterTexts(reference));
}

/**
 * What a filter is matched against: the normalised reference and, for an untagged image, the form
 * without `:latest` (behaviour §1). A pattern that matches one of them matches.
 */
export function filterTexts(reference: ImageReference): readonly string[] {
  const written = formatReference(reference);
  return isUntagged(reference) ? [`${written}:latest`, written] : [written];
}

/** Whether patterns let an image through of which each text is a way to write it. */
export function matchesAnyText(
  patterns: IncludeExclude<Pattern>,
  texts: readonly string[],
): boolean {
  return letsThrough(patterns, (pattern) => texts.some((text) => pattern.matches(text)));
}

/** The four dimensions as written, and where a person finds them. */
interface WrittenDimensions {
  readonly namespaces: WrittenLists<string> | undefined;
  readonly labels: WrittenLists<string> | undefined;
  readonly annotations: WrittenLists<string> | undefined;
  /** `undefined` matches no image. */
  readonly images: WrittenLists<string> | undefined;
  readonly path: (dimension: FilterDimension) => string;
}

const SEPARATE_PATHS: Readonly<Record<FilterDimension, string>> = {
  image: 'spec.imageFilter',
  label: 'spec.podFilter.labels',
  annotation: 'spec.podFilter.annotations',
  namespace: 'spec.namespaceFilter',
};

function listsOfSeparate(
  { imageFilter, namespaceFilter, podFilter }: WrittenFilters,
  kind: ScopeKind,
): Result<WrittenDimensions, FieldProblem> {
  if (kind.ownNamespace !== undefined && hasItems(namespaceFilter)) {
    return fail({
      field: 'spec.namespaceFilter',
      message: 'expected none on a namespaced kind, which applies to its own namespace',
    });
  }
  const chosen = hasItems(imageFilter) ? imageFilter : undefined;
  return succeed({
    namespaces: namespaceFilter,
    labels: podFilter?.labels,
    annotations: podFilter?.annotations,
    images: kind.choosesImages ? chosen : EVERYTHING,
    path: (dimension) => SEPARATE_PATHS[dimension],
  });
}

function listsOfUnified(
  written: WrittenFilters,
  kind: ScopeKind,
): Result<WrittenDimensions, FieldProblem> {
  const problem = unifiedFilterProblem(written, kind);
  if (problem !== undefined) return fail(problem);
  const { filter } = written;
  return succeed({
    namespaces: itemsOfDimension(filter, 'namespace'),
    labels: itemsOfDimension(filter, 'label'),
    annotations: itemsOfDimension(filter, 'annotation'),
    images: itemsOfDimension(filter, 'image'),
    path: () => 'spec.filter',
  });
}
