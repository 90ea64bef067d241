import type { Filter, FilterItem } from '#api/filter.ts';
import { filterItemsMax } from '#api/limits.ts';
import type { FieldProblem } from '#core/spec-problem.ts';
import { hasItems, type WrittenLists } from './include-exclude.ts';
import type { FilterDimension, ScopeKind, WrittenFilters } from './written-filters.ts';

const DIMENSIONS: readonly FilterDimension[] = ['image', 'label', 'annotation', 'namespace'];

/** The items of one dimension of the unified filter, in their order. */
export function itemsOfDimension(
  filter: Filter | undefined,
  dimension: FilterDimension,
): WrittenLists<string> {
  const select = (items: readonly FilterItem[] | undefined) =>
    (items ?? []).flatMap((item) => item[dimension] ?? []);
  return { include: select(filter?.include), exclude: select(filter?.exclude) };
}

/**
 * What the API server refuses in a unified filter; an object that was stored before those rules may
 * hold it all the same (behaviour §2).
 */
export function unifiedFilterProblem(
  written: WrittenFilters,
  kind: ScopeKind,
): FieldProblem | undefined {
  const { filter, imageFilter, namespaceFilter, podFilter } = written;
  const separate = [imageFilter, namespaceFilter, podFilter?.labels, podFilter?.annotations];
  if (separate.some(hasItems)) {
    return {
      field: 'spec.filter',
      message: 'expected either filter or imageFilter, namespaceFilter and podFilter, got both',
    };
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
  if (items.length > filterItemsMax) {
    return { field, message: `expected at most ${filterItemsMax} items, got ${items.length}` };
  }
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
