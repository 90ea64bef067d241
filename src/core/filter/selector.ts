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
  const parsed = readRequirements(cursorOver(scan(source)));
  if (parsed.ok) return succeed({ source, requirements: parsed.value });
  return fail({ message: `${parsed.error.message} in selector "${source}"` });
}

/** Whether labels, or annotations, satisfy every requirement. */
export function selectorMatches(selector: Selector, pairs: KeyValues): boolean {
  return selector.requirements.every((requirement) => requirementMatches(requirement, pairs));
}

type TokenKind = 'end' | 'identifier' | '(' | ')' | ',' | '!' | RequirementSign;
type RequirementSign = '=' | '==' | '!=' | '>' | '<' | 'in' | 'notin';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const OPERATORS: ReadonlyMap<TokenKind, RequirementOperator> = new Map([
  ['in', 'in'],
  ['notin', 'notin'],
  ['=', '='],
  ['==', '='],
  ['!=', '!='],
  ['>', '>'],
  ['<', '<'],
]);

/** The longest operator wins; anything up to a blank or a sign is one word. */
const TOKEN = /[ \t\r\n]*(?:(==|!=|[=!(),<>])|([^=!(),<> \t\r\n]+))/y;

function scan(source: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(source); match !== null; match = TOKEN.exec(source)) {
    const [, sign, word = ''] = match;
    if (sign !== undefined) tokens.push({ kind: sign as TokenKind, text: sign });
    else if (word === 'in' || word === 'notin') tokens.push({ kind: word, text: word });
    else tokens.push({ kind: 'identifier', text: word });
  }
  return [...tokens, { kind: 'end', text: 'the end' }];
}

type Step<T> = Result<T, FilterProblem>;

/** Reads tokens one by one; where a key or a value may stand, `in` and `notin` are words. */
interface Cursor {
  readonly next: () => Token;
  readonly nextValue: () => Token;
  readonly peekValue: () => Token;
}

function cursorOver(tokens: readonly Token[]): Cursor {
  let position = 0;
  const peek = (): Token => tokens[position] ?? { kind: 'end', text: 'the end' };
  const next = (): Token => {
    const token = peek();
    position += 1;
    return token;
  };
  return { next, nextValue: () => asValue(next()), peekValue: () => asValue(peek()) };
}

/** A recursive descent in the shape of Kubernetes' own, so that it refuses what that refuses. */
function readRequirements(cursor: Cursor): Step<readonly SelectorRequirement[]> {
  const requirements: SelectorRequirement[] = [];
  if (cursor.peekValue().kind === 'end') return succeed(requirements);
  for (;;) {
    const requirement = readRequirement(cursor);
    if (!requirement.ok) return requirement;
    requirements.push(requirement.value);
    const separator = cursor.next();
    if (separator.kind === 'end') return succeed(requirements);
    if (separator.kind !== ',') return expected('a comma or the end', separator);
  }
}

function readRequirement(cursor: Cursor): Step<SelectorRequirement> {
  const first = cursor.nextValue();
  const negated = first.kind === '!';
  const key = negated ? cursor.nextValue() : first;
  if (key.kind !== 'identifier') return expected('a key', key);
  if (negated) return checked({ key: key.text, operator: '!', values: [] });
  if (isEndOfRequirement(cursor.peekValue())) {
    return checked({ key: key.text, operator: 'exists', values: [] });
  }
  const sign = cursor.next();
  const operator = OPERATORS.get(sign.kind);
  if (operator === undefined) return expected('one of = == != in notin > <', sign);
  const listed = operator === 'in' || operator === 'notin';
  const values = listed ? readValueList(cursor) : readExactValue(cursor);
  return values.ok ? checked({ key: key.text, operator, values: values.value }) : values;
}

/** Nothing at all is the empty value. */
function readExactValue(cursor: Cursor): Step<readonly string[]> {
  if (isEndOfRequirement(cursor.peekValue())) return succeed(['']);
  const value = cursor.nextValue();
  return value.kind === 'identifier' ? succeed([value.text]) : expected('a value', value);
}

function readValueList(cursor: Cursor): Step<readonly string[]> {
  const opening = cursor.nextValue();
  if (opening.kind !== '(') return expected('(', opening);
  const values: string[] = [];
  if (cursor.peekValue().kind === ')') values.push('');
  while (cursor.peekValue().kind !== ')') {
    const problem = readListItem(cursor, values);
    if (problem !== undefined) return problem;
  }
  cursor.next();
  return succeed(values);
}

/** As in Kubernetes, `(,`, `,,` and `,)` hold an empty value each, but `,,)` is refused. */
function readListItem(cursor: Cursor, values: string[]): Step<never> | undefined {
  const token = cursor.nextValue();
  const following = cursor.peekValue();
  if (token.kind === 'identifier') {
    values.push(token.text);
    const ends = following.kind === ',' || following.kind === ')';
    return ends ? undefined : expected('a comma or )', following);
  }
  if (token.kind !== ',') return expected('a value or a comma', token);
  if (values.length === 0) values.push('');
  if (following.kind === ')') values.push('');
  if (following.kind !== ',') return undefined;
  cursor.next();
  values.push('');
  const afterTwo = cursor.peekValue();
  return afterTwo.kind === ')' ? expected('a value or a comma', afterTwo) : undefined;
}

function asValue(token: Token): Token {
  return token.kind === 'in' || token.kind === 'notin' ? { ...token, kind: 'identifier' } : token;
}

function isEndOfRequirement(token: Token): boolean {
  return token.kind === 'end' || token.kind === ',';
}

function expected(what: string, token: Token): Step<never> {
  return fail({ message: `expected ${what}, got ${token.text}` });
}

function checked(requirement: SelectorRequirement): Step<SelectorRequirement> {
  const message = requirementProblem(requirement);
  return message === undefined ? succeed(requirement) : fail({ message });
}
