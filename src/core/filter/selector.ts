import { selectorCharactersMax } from '#api/limits.ts';
import type { FilterProblem } from '#core/filter/pattern.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import {
  type KeyValues,
  type RequirementOperator,
  requirementMatches,
  requirementProblem,
  type SelectorRequirement,
} from './selector-requirement.ts';

/** A selector string, compiled: the AND of its requirements, none of them matches everything. */
export interface Selector {
  /** The selector as a person wrote it. */
  readonly source: string;
  readonly requirements: readonly SelectorRequirement[];
}

/** Compiles a selector with Kubernetes' own grammar and validation (`labels.Parse` of 1.34). */
export function compileSelector(source: string): Result<Selector, FilterProblem> {
  if (source.length > selectorCharactersMax) {
    return fail({ message: `expected a selector of at most ${selectorCharactersMax} characters` });
  }
  const parsed = readRequirements(source);
  if (parsed.ok) return succeed({ source, requirements: parsed.value });
  return fail({ message: `${parsed.error} in selector "${source}"` });
}

/** Whether labels, or annotations, satisfy every requirement. */
export function selectorMatches(selector: Selector, pairs: KeyValues): boolean {
  return selector.requirements.every((requirement) => requirementMatches(requirement, pairs));
}

/** Anything but blanks and signs; where a key or a value may stand, `in` and `notin` are words too. */
const word = '[^=!(),<> \\t\\r\\n]+';
const blanks = '[ \\t\\r\\n]*';
const comparison = `${blanks}(?<sign>==|!=|[=<>])${blanks}(?<value>${word})?`;
const choice = `[ \\t\\r\\n]+(?<set>in|notin)${blanks}\\((?<list>[^=!()<>]*)\\)`;
/** One requirement, and the comma or the end behind it. */
const requirement = new RegExp(
  `${blanks}(?:!${blanks}(?<absent>${word})|(?<key>${word})(?:${comparison}|${choice})?)` +
    `${blanks}(?<end>,|$)`,
  'y',
);

function readRequirements(source: string): Result<readonly SelectorRequirement[], string> {
  const requirements: SelectorRequirement[] = [];
  let end = /^[ \t\r\n]*$/.test(source) ? '' : ',';
  for (let position = 0; end === ','; position = requirement.lastIndex) {
    requirement.lastIndex = position;
    const groups = requirement.exec(source)?.groups;
    if (groups === undefined) return fail(`expected ${forms}, got "${source.slice(position)}"`);
    const read = readRequirement(groups);
    if (read === undefined) {
      return fail(`expected values with a comma between, got (${groups['list']})`);
    }
    const problem = requirementProblem(read);
    if (problem !== undefined) return fail(problem);
    requirements.push(read);
    end = groups['end'] ?? '';
  }
  return succeed(requirements);
}

const forms = 'key, !key, key=v, key==v, key!=v, key>5, key<5, key in (a,b) or key notin (a,b)';

/** Undefined where the values of a list cannot be read. */
function readRequirement(
  groups: Readonly<Record<string, string | undefined>>,
): SelectorRequirement | undefined {
  const { absent, key = '', sign, value = '', set, list } = groups;
  if (absent !== undefined) return { key: absent, operator: '!', values: [] };
  if (sign !== undefined) {
    const operator = sign === '==' ? '=' : (sign as RequirementOperator);
    return { key, operator, values: [value] };
  }
  if (list === undefined) return { key, operator: 'exists', values: [] };
  const values = readList(list);
  return values && { key, operator: set as RequirementOperator, values };
}

/** Nothing between two commas is the empty value, but Kubernetes refuses an even run at the end. */
function readList(list: string): readonly string[] | undefined {
  const values = list.split(',').map((item) => item.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ''));
  if (values.some((item) => /[ \t\r\n]/.test(item))) return undefined;
  const emptyAtEnd = values.length - 1 - values.findLastIndex((item) => item !== '');
  const commasAtEnd = emptyAtEnd === values.length ? emptyAtEnd - 1 : emptyAtEnd;
  return commasAtEnd > 0 && commasAtEnd % 2 === 0 ? undefined : values;
}
