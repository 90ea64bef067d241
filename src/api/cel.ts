/** One rule in the Common Expression Language, as the API server runs it at admission. */
export interface CelRule {
  /** The expression; `self` is the value that the rule stands on. */
  readonly rule: string;
  /** What the person reads: the field and the mend. */
  readonly message: string;
  /** Path of the field at fault below the value that the rule stands on, such as `.namespace`. */
  readonly fieldPath?: string;
  readonly reason?: 'FieldValueForbidden' | 'FieldValueRequired';
  /** Whether `oldSelf` is an optional of what stood here before (Kubernetes 1.30 and later). */
  readonly optionalOldSelf?: true;
}

/** The keyword under which a schema carries its rules. */
export function rules(...list: readonly CelRule[]): {
  readonly 'x-kubernetes-validations': readonly CelRule[];
} {
  return { 'x-kubernetes-validations': list };
}

/**
 * Expression that is true when the object under `path` has an item in `include` or `exclude`: an
 * empty filter means the same as an omitted one (behaviour §2). Each step is asked with `has`,
 * which every API server with rules knows, unlike the newer optional syntax.
 */
export function hasItems(path: string): string {
  const steps = path.split('.').slice(1);
  const parents = steps.map(
    (_, index) => `has(${['self', ...steps.slice(0, index + 1)].join('.')})`,
  );
  const list = (name: string) => `(has(${path}.${name}) && size(${path}.${name}) > 0)`;
  return `(${[...parents, `(${list('include')} || ${list('exclude')})`].join(' && ')})`;
}

/**
 * A rule that every pattern in a list compiles. `compiles` is an expression over the list, `self`.
 *
 * A rule that ends in an error, as a pattern that cannot be compiled does, is not forgiven where
 * the object was stored before the rule: not even the status could be written that says so. So the
 * rule itself lets pass what has not changed. It stands on the list, since the items of a list
 * cannot be compared with what they were.
 */
export function patternRule(compiles: string, field: string): CelRule {
  return {
    rule: `(oldSelf.hasValue() && oldSelf.value() == self) || ${compiles}`,
    message:
      `${field} must hold RE2 patterns, each of which compiles by itself: close every bracket, ` +
      'escape a literal one with a backslash, use no look-around and no back-reference',
    optionalOldSelf: true,
  };
}

/**
 * Expression that is an error unless the pattern compiles: matching the empty text compiles it.
 * The conditional lets the error through, where `|| true` would swallow it.
 */
export function compilesPattern(pattern: string): string {
  return `(''.matches(${pattern}) ? true : true)`;
}
