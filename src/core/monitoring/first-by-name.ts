/** What comes first by name, in order, and the rest in no order. */
export interface FirstByName<T> {
  readonly first: readonly T[];
  readonly rest: readonly T[];
}

/** Picks the first by name of those that it is given one by one. */
export interface NamePicker<T> {
  readonly add: (one: T) => void;
  /** The first `count` of all that were added, at most as many as it was made for. */
  readonly pick: (count: number) => FirstByName<T>;
}

/**
 * Makes a picker of at most `countMax`. To sort tens of thousands for the sake of the first thousand
 * holds up the process for 30 ms; what comes after the last of those found so far is not sorted at all.
 */
export function createNamePicker<T extends { readonly image: string }>(
  countMax: number,
): NamePicker<T> {
  let first: T[] = [];
  const rest: T[] = [];
  let last: T | undefined;
  const cut = (count: number): void => {
    first.sort(byName);
    for (const one of first.slice(count)) rest.push(one);
    first = first.slice(0, count);
    last = first[count - 1];
  };
  return {
    add: (one) => {
      if (last !== undefined && byName(last, one) < 0) rest.push(one);
      else if (first.push(one) >= 2 * countMax) cut(countMax);
    },
    pick: (count) => {
      cut(Math.min(count, countMax));
      return { first, rest };
    },
  };
}

function byName(left: { readonly image: string }, right: { readonly image: string }): number {
  if (left.image === right.image) return 0;
  return left.image < right.image ? -1 : 1;
}
