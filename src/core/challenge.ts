/** One challenge of a `WWW-Authenticate` header; scheme and parameter names in lower case. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Challenges read from one answer: a registry sends one or two, more is noise or an attack. */
const CHALLENGES_MAX = 16;

/**
 * Reads every challenge of the `WWW-Authenticate` header lines of one answer, in their order, also
 * where several share a line (RFC 9110 §11.6.1, which docker's own parser does not follow). What
 * cannot be read ends its line; what was read before it counts.
 */
export function parseChallenges(headerLines: readonly string[]): readonly Challenge[] {
  return headerLines.flatMap(parseLine).slice(0, CHALLENGES_MAX);
}

/** A word (scheme or parameter name), the sign that makes it a name, and where both end. */
const WORD = /[\s,]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)/y;
const EQUALS = /[ \t]*=[ \t]*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
/** Wider than RFC 9110's token: realms that are URLs are met without quotes. */
const UNQUOTED = /[^\s,"]+/y;
/** Credentials in place of parameters, as `Negotiate` sends them; nothing we can use. */
const TOKEN_68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y;

function parseLine(line: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let position = 0;
  const read = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(line);
    if (match !== null) position = pattern.lastIndex;
    return match;
  };
  for (let word = read(WORD); word !== null; word = read(WORD)) {
    const name = (word[1] ?? '').toLowerCase();
    if (read(EQUALS) === null) {
      challenges.push({ scheme: name, parameters: new Map() });
      read(TOKEN_68);
      continue;
    }
    const quoted = read(QUOTED);
    const value = quoted === null ? read(UNQUOTED)?.[0] : withoutEscapes(quoted[1] ?? '');
    if (value === undefined) break;
    challenges.at(-1)?.parameters.set(name, value);
  }
  return challenges.map(({ scheme, parameters }) => ({
    scheme,
    parameters: Object.fromEntries(parameters),
  }));
}

function withoutEscapes(quoted: string): string {
  return quoted.replaceAll(/\\(.)/g, '$1');
}
