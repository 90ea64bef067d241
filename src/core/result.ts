/** An expected outcome: a value or a described failure. Bugs throw; everything else is a Result. */
export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** A success that carries `value`. */
export function succeed<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/** An expected failure that carries `error`. */
export function fail<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}

/** The outcome for each item, in order; the first failure ends it and is the failure of all. */
export function mapUntilFailure<Item, T, E>(
  items: readonly Item[],
  outcomeOf: (item: Item, index: number) => Result<T, E>,
): Result<readonly T[], E> {
  const values: T[] = [];
  for (const [index, item] of items.entries()) {
    const outcome = outcomeOf(item, index);
    if (!outcome.ok) return outcome;
    values.push(outcome.value);
  }
  return succeed(values);
}

/** The values of all outcomes, by their names; the first failure among them is the failure of all. */
export function allOf<Outcomes extends Readonly<Record<string, Result<unknown, unknown>>>>(
  outcomes: Outcomes,
): Result<{ readonly [Name in keyof Outcomes]: Value<Outcomes[Name]> }, Failure<Outcomes>> {
  const failed = Object.values(outcomes).find(({ ok }) => !ok);
  if (failed?.ok === false) return fail(failed.error as Failure<Outcomes>);
  const values = Object.entries(outcomes).map(([name, one]) => [name, one.ok && one.value]);
  return succeed(Object.fromEntries(values));
}

type Value<Outcome> = Outcome extends { ok: true; value: infer T } ? T : never;
type Failure<Outcomes> = {
  [Name in keyof Outcomes]: Outcomes[Name] extends Result<unknown, infer E> ? E : never;
}[keyof Outcomes];

/** Throws when the impossible happened: a bug, never an answer to bad input. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}
