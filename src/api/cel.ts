/** One rule of the Common Expression Language, as the API server runs it at admission. */
export interface CelRule {
  /** The expression; `self` is the value that the rule stands on. */
  readonly rule: string;
  /** What the person reads: the field and the mend. */
  readonly message: string;
  /** Path of the field at fault, below the value that the rule stands on, such as `.namespace`. */
  readonly fieldPath?: string;
  readonly reason?: 'FieldValueInvalid' | 'FieldValueForbidden' | 'FieldValueRequired';
}

/** The keyword under which a schema carries its rules. */
export function rules(...list: readonly CelRule[]): {
  'x-kubernetes-validations': readonly CelRule[];
} {
  return { 'x-kubernetes-validations': list };
}
