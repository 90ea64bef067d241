import { filterItemsMax } from '#api/limits.ts';
import { fail, mapUntilFailure, type Result, succeed } from '#core/result.ts';
import type { FieldProblem } from '#core/spec-problem.ts';
import type { FilterProblem } from './pattern.ts';

/** One dimension of a filter: OR inside, exclude wins, nothing included means everything. */
export interface IncludeExclude<T> {
  readonly include: readonly T[];
  readonly exclude: readonly T[];
}

/** A dimension as people write it; lists that are empty, or absent, say nothing. */
export interface WrittenLists<T> {
  readonly include?: readonly T[];
  readonly exclude?: readonly T[];
}

/** The dimension that lets everything through. */
export const EVERYTHING: IncludeExclude<never> = { include: [], exclude: [] };

/** Whether a dimension says anything at all: `{}` and empty lists do not. */
export function hasItems(written: WrittenLists<unknown> | undefined): boolean {
  return (written?.include ?? []).length > 0 || (written?.exclude ?? []).length > 0;
}

/** Whether the dimension lets something through that the items are asked about one by one. */
export function letsThrough<T>(lists: IncludeExclude<T>, matches: (item: T) => boolean): boolean {
  if (lists.include.length > 0 && !lists.include.some(matches)) return false;
  return !lists.exclude.some(matches);
}

/**
 * Compiles both lists; one bad item makes the whole of them bad. `field` is the path of the object
 * that holds the lists.
 */
export function compileLists<T>(
  written: WrittenLists<string> | undefined,
  field: string,
  compile: (source: string) => Result<T, FilterProblem>,
): Result<IncludeExclude<T>, FieldProblem> {
  const include = compileList(written?.include ?? [], `${field}.include`, compile);
  if (!include.ok) return include;
  const exclude = compileList(written?.exclude ?? [], `${field}.exclude`, compile);
  if (!exclude.ok) return exclude;
  return succeed({ include: include.value, exclude: exclude.value });
}

function compileList<T>(
  sources: readonly string[],
  field: string,
  compile: (source: string) => Result<T, FilterProblem>,
): Result<readonly T[], FieldProblem> {
  if (sources.length > filterItemsMax) {
    return fail({
      field,
      message: `expected at most ${filterItemsMax} items, got ${sources.length}`,
    });
  }
  const items = mapUntilFailure(sources, compile);
  return items.ok ? items : fail({ field, message: items.error.message });
}
