/** Negative when `left` comes first; texts by code unit, the same on every machine. */
export function compare<T extends number | string>(left: T, right: T): number {
  // A difference would be NaN between two infinities.
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
