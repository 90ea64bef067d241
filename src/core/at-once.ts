/** A value that is there, or will be. Not a promise where it is there: waiting a turn costs. */
export type AtOnceOrLater<Value> = Value | Promise<Value>;

/** Goes on with a value, at once where it is there. */
export function goOn<Value, Next>(
  value: AtOnceOrLater<Value>,
  next: (value: Value) => AtOnceOrLater<Next>,
): AtOnceOrLater<Next> {
  return value instanceof Promise ? value.then(next) : next(value);
}
