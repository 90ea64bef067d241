import type { Filter, FilterItem, PodFilter } from '#api/filter.ts';
import { filterItemsMax } from '#api/limits.ts';
import type { FieldProblem } from '#core/spec-problem.ts';
import { countProblem, hasItems, type WrittenLists } from './include-exclude.ts';

/** The filters of a spec, in any spelling; all kinds have a subset of them. */
export interface WrittenFilters {
  readonly filter?: Filter;
  readonly imageFilter?: WrittenLists;
  readonly namespaceFilter?: WrittenLists;
  readonly podFilter?: PodFilter;
}

const DIMENSIONS = ['image', 'label', 'annotation', 'namespace'] as const;

/** What an item of the unified filter is about. */
export type FilterDimension = (typeof DIMENSIONS)[number];

/** What a kind's filters can choose. */
export interface ScopeKind {
  /** The namespace of the resource, `undefined` for cluster-scoped kinds. */
  readonly ownNamespace: string | undefined;
  /** False on the set kinds, whose images are chosen per upstream. */
  readonly choosesImages: boolean;
}

/** The items of one dimension of the unified filter, in their order. */
export function itemsOfDimension(
  filter: Filter | undefined,
  dimension: FilterDimension,
): WrittenLists {
  const select = (items: readonly FilterItem[] | undefined) =>
    (items ?? []).flatMap((item) => item[dimension] ?? []);
  return { include: select(filter?.include), exclude: select(filter?.exclude) };
}

/**
 * What the API server refuses in filters; an object that was stored before those rules may hold it
 * all the same (behaviour §2).
 */
export function filtersProblem(written: WrittenFilters, kind: ScopeKind): FieldProblem | undefined {
  const { filter, imageFilter, namespaceFilter, podFilter } = written;
  if (!hasItems(filter)) {
    if (kind.ownNamespace === undefined || !hasItems(namespaceFilter)) return undefined;
    const message = 'expected none on a namespaced kind, which applies to its own namespace';
    return { field: 'spec.namespaceFilter', message };
  }
  const separate = [imageFilter, namespaceFilter, podFilter?.labels, podFilter?.annotations];
  if (separate.some(hasItems)) {
    const message =
      'expected either filter or imageFilter, namespaceFilter and podFilter, got both';
    return { field: 'spec.filter', message };
  }
  return (
    listProblem(filter?.include ?? [], 'spec.filter.include', kind) ??
    listProblem(filter?.exclude ?? [], 'spec.filter.exclude', kind)
  );
}

function listProblem(
  items: readonly FilterItem[],
  field: string,
  kind: ScopeKind,
): FieldProblem | undefined {
  const many = countProblem(items, filterItemsMax);
  if (many !== undefined) return { field, ...many };
  for (const [index, item] of items.entries()) {
    const message = itemProblem(item, kind);
    if (message !== undefined) return { field: `${field}[${index}]`, message };
  }
  return undefined;
}

function itemProblem(item: FilterItem, kind: ScopeKind): string | undefined {
  const given = DIMENSIONS.filter((dimension) => item[dimension] !== undefined);
  if (given.length !== 1) {
    return `expected exactly one of ${DIMENSIONS.join(', ')}, got ${given.join(' and ') || 'none'}`;
  }
  if (given[0] === 'image' && !kind.choosesImages) {
    return 'expected no image here: on this kind images are chosen per upstream, in imageFilter';
  }
  if (given[0] === 'namespace' && kind.ownNamespace !== undefined) {
    return 'expected no namespace on a namespaced kind, which applies to its own namespace';
  }
  return undefined;
}
