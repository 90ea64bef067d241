import type { Filter, ImageFilter, NamespaceFilter, PodFilter } from '#api/filter.ts';

/** The filters of a spec, in any spelling; all kinds have a subset of them. */
export interface WrittenFilters {
  readonly filter?: Filter;
  readonly imageFilter?: ImageFilter;
  readonly namespaceFilter?: NamespaceFilter;
  readonly podFilter?: PodFilter;
}

/** What a kind's filters can choose. */
export interface ScopeKind {
  /** The namespace of the resource, `undefined` for cluster-scoped kinds. */
  readonly ownNamespace: string | undefined;
  /** False on the set kinds, whose images are chosen per upstream. */
  readonly choosesImages: boolean;
}

/** What an item of the unified filter is about. */
export type FilterDimension = 'image' | 'label' | 'annotation' | 'namespace';
