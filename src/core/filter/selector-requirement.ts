import { objectNameCharactersMax } from '#api/limits.ts';
import { readOwn } from '#core/json.ts';

/** How the value of a key is compared; `==` is `=`, a bare key is `exists`. */
export type RequirementOperator = 'exists' | '!' | '=' | '!=' | 'in' | 'notin' | '>' | '<';

/** One requirement of a selector. */
export interface SelectorRequirement {
  readonly key: string;
  readonly operator: RequirementOperator;
  /** None for `exists` and `!`, one for the signs, one or more in a list. */
  readonly values: readonly string[];
}

/** Labels, or annotations, of one Pod. */
export type KeyValues = Readonly<Record<string, string>>;

const NAME_CHARACTERS_MAX = 63;
const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const INTEGER = /^[+-]?[0-9]+$/;
const INT64_MAX = 2n ** 63n - 1n;

/** What Kubernetes would refuse in this requirement, or `undefined`. */
export function requirementProblem(requirement: SelectorRequirement): string | undefined {
  const { key, operator, values } = requirement;
  if (!isQualifiedName(key)) {
    return `expected a label key such as app or example.com/app, got "${key}"`;
  }
  const value = values.find((text) => text.length > NAME_CHARACTERS_MAX || !VALUE.test(text));
  if (value !== undefined) return `expected a label value, got "${value}"`;
  const compares = operator === '>' || operator === '<';
  if (compares && values.some((text) => readInteger(text) === undefined)) {
    return `expected a whole number after ${operator}, got "${values.join(',')}"`;
  }
  return undefined;
}

/** Whether labels or annotations satisfy one requirement. */
export function requirementMatches(requirement: SelectorRequirement, pairs: KeyValues): boolean {
  const { key, operator, values } = requirement;
  // Own keys only: a label may be called `constructor`.
  const value = readOwn(pairs, key);
  switch (operator) {
    case 'exists':
      return value !== undefined;
    case '!':
      return value === undefined;
    case '=':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case '>':
    case '<':
      return value !== undefined && compareIntegers(value, operator, values[0] ?? '');
  }
}

function compareIntegers(value: string, operator: '>' | '<', bound: string): boolean {
  const left = readInteger(value);
  const right = readInteger(bound);
  if (left === undefined || right === undefined) return false;
  return operator === '>' ? left > right : left < right;
}

/** Whole numbers of 64 bits, as Go reads them. */
function readInteger(text: string): bigint | undefined {
  // 64 bits have 19 digits; the rest of the length is for zeros in front.
  if (text.length > NAME_CHARACTERS_MAX || !INTEGER.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return value > INT64_MAX || value < -INT64_MAX - 1n ? undefined : value;
}

function isQualifiedName(key: string): boolean {
  const [first = '', second, ...rest] = key.split('/');
  if (rest.length > 0) return false;
  const name = second ?? first;
  if (second !== undefined && !isSubdomain(first)) return false;
  return name.length <= NAME_CHARACTERS_MAX && NAME.test(name);
}

/** Whether it is a DNS subdomain, as the names of most objects are. */
export function isSubdomain(name: unknown): name is string {
  return typeof name === 'string' && name.length <= objectNameCharactersMax && SUBDOMAIN.test(name);
}
