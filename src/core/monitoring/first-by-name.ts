/** What comes first by name, in order, and the rest in no order. */
export interface FirstByName<T> {
  readonly first: readonly T[];
  readonly rest: readonly T[];
}

/**
 * Picks the first `count` by name. To sort tens of thousands for the sake of the first thousand holds
 * up the process for 30 ms; what comes after the last of those found so far is not sorted at all.
 */
export function firstByName<T extends { readonly image: string }>(
  all: readonly T[],
  count: number,
): FirstByName<T> {
  if (count === 0) return { first: [], rest: all };
  let first: T[] = [];
  const rest: T[] = [];
  let last: T | undefined;
  const cut = (): void => {
    first.sort(byName);
    for (const one of first.slice(count)) rest.push(one);
    first = first.slice(0, count);
    last = first[count - 1];
  };
  for (const one of all) {
    if (last !== undefined && byName(last, one) < 0) rest.push(one);
    else if (first.push(one) >= 2 * count) cut();
  }
  cut();
  return { first, rest };
}

function byName(left: { readonly image: string }, right: { readonly image: string }): number {
  if (left.image === right.image) return 0;
  return left.image < right.image ? -1 : 1;
}
