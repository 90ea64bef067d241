import { filterItemsMax } from '#api/limits.ts';
import { allOf, fail, mapUntilFailure, type Result } from '#core/result.ts';
import type { FieldProblem } from '#core/spec-problem.ts';
import type { FilterProblem } from './pattern.ts';

/** One dimension of a filter: OR inside, exclude wins, nothing included means everything. */
export interface IncludeExclude<T> {
  readonly include: readonly T[];
  readonly exclude: readonly T[];
}

/** A dimension as people write it; lists that are empty, or absent, say nothing. */
export interface WrittenLists<T = string> {
  readonly include?: readonly T[];
  readonly exclude?: readonly T[];
}

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
  written: WrittenLists | undefined,
  field: string,
  compile: (source: string) => Result<T, FilterProblem>,
): Result<IncludeExclude<T>, FieldProblem> {
  return allOf({
    include: compileList(written?.include ?? [], `${field}.include`, compile),
    exclude: compileList(written?.exclude ?? [], `${field}.exclude`, compile),
  });
}

function compileList<T>(
  sources: readonly string[],
  field: string,
  compile: (source: string) => Result<T, FilterProblem>,
): Result<readonly T[], FieldProblem> {
  const problem = countProblem(sources, filterItemsMax);
  const items = problem === undefined ? mapUntilFailure(sources, compile) : fail(problem);
  return items.ok ? items : fail({ field, message: items.error.message });
}

/** What is wrong with a list of more than `max` items; an old object may hold one (behaviour §2). */
export function countProblem(
  items: readonly unknown[],
  max: number,
): { readonly message: string } | undefined {
  if (items.length <= max) return undefined;
  return { message: `expected at most ${max} items, got ${items.length}` };
}
