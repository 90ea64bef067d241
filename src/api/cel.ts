/** One rule in the Common Expression Language, as the API server runs it at admission. */
export interface CelRule {
  /** The expression; `self` is the value that the rule stands on. */
  readonly rule: string;
  /** What the person reads: the field and the mend. */
  readonly message: string;
  /** Path of the field at fault below the value that the rule stands on, such as `.namespace`. */
  readonly fieldPath?: string;
  readonly reason?: 'FieldValueForbidden' | 'FieldValueRequired';
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
