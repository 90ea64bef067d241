import { formatReference, type ImageReference, isUntagged } from '#core/image/reference.ts';
import { allOf, fail, type Result, succeed } from '#core/result.ts';
import type { FieldProblem } from '#core/spec-problem.ts';
import {
  type FilterDimension,
  filtersProblem,
  itemsOfDimension,
  type ScopeKind,
  type WrittenFilters,
} from './filter-items.ts';
import type { MatchSteps } from './full-match.ts';
import {
  compileLists,
  hasItems,
  type IncludeExclude,
  letsThrough,
  type WrittenLists,
} from './include-exclude.ts';
import { type CompilePattern, type Pattern, patternCompiler } from './pattern.ts';
import { compileSelector, type Selector, selectorMatches } from './selector.ts';
import type { KeyValues } from './selector-requirement.ts';

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
  const { ownNamespace, choosesImages } = kind;
  const problem = filtersProblem(written, kind);
  if (problem !== undefined) return fail(problem);
  const { filter, imageFilter, namespaceFilter, podFilter } = written;
  const unified = hasItems(filter);
  /** One dimension, of the unified spelling or of the seed's, and where a person finds it. */
  const listsOf = (
    dimension: FilterDimension,
    separate: WrittenLists | undefined,
    field: string,
  ) =>
    unified
      ? ([itemsOfDimension(filter, dimension), 'spec.filter'] as const)
      : ([separate, `spec.${field}`] as const);
  const namespaces = listsOf('namespace', namespaceFilter, 'namespaceFilter');
  const labels = listsOf('label', podFilter?.labels, 'podFilter.labels');
  const annotations = listsOf('annotation', podFilter?.annotations, 'podFilter.annotations');
  const lists = allOf({
    namespaces: compileLists(...namespaces, compile),
    labels: compileLists(...labels, compileSelector),
    annotations: compileLists(...annotations, compileSelector),
    images: compileLists(...listsOf('image', imageFilter, 'imageFilter'), compile),
  });
  if (!lists.ok) return lists;
  const choosesNone = choosesImages && !unified && !hasItems(imageFilter);
  return succeed({
    ...(ownNamespace !== undefined && { ownNamespace }),
    ...lists.value,
    ...(choosesNone && { images: 'nothing' }),
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
export function scopeMatchesNamespace(
  scope: Scope,
  namespace: string,
  steps?: MatchSteps,
): boolean {
  if (scope.ownNamespace !== undefined && scope.ownNamespace !== namespace) return false;
  return letsThrough(scope.namespaces, (pattern) => pattern.matches(namespace, steps));
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
  steps?: MatchSteps,
): boolean {
  return letsThrough(patterns, (pattern) => texts.some((text) => pattern.matches(text, steps)));
}
