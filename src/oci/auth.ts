import { type Challenge, parseChallenges } from '#core/challenge.ts';
import type { Credential } from '#core/credentials.ts';
import { fail, type Result } from '#core/result.ts';
import type { OciFailure } from './errors.ts';
import { createRecentMap, type RecentMap } from './recent-map.ts';
import { basicAuthorization, isHeaderSafe, type TokenScope, type Tokens } from './tokens.ts';
import type { Transport, TransportAnswer } from './transport.ts';

/** One request to a registry that may have to say who asks. */
export interface AuthorizedRequest {
  readonly registry: string;
  /** Path on the registry. */
  readonly target: string;
  readonly method: 'HEAD' | 'GET';
  readonly headers: Readonly<Record<string, string>>;
  /** Repository and action: `library/nginx` and `pull`. */
  readonly repository: string;
  readonly action: 'pull';
  readonly credential?: Credential;
  readonly bodyBytesMax: number;
}

/** Sends requests with the authorization that the registry asks for. */
export interface Authenticator {
  readonly send: (
    request: AuthorizedRequest,
    signal: AbortSignal,
  ) => Promise<Result<TransportAnswer, OciFailure>>;
}

/** What a registry asked for last time: the same is sent at once next time. */
type Habit =
  | { readonly scheme: 'basic' }
  | {
      readonly scheme: 'bearer';
      readonly realm: URL;
      readonly service?: string;
    };

/** An authorization and what it was made from. */
interface Authorization {
  readonly header?: string;
  /** The token was asked for just now: a 401 to it is final. */
  readonly fresh?: TokenScope;
  /** Why there is none although one was asked for. */
  readonly failure?: OciFailure;
}

/** As many as have connections (see `connections.ts`). */
const REGISTRIES_MAX = 512;
/** Repositories whose registry wants another scope than the usual: rare. */
const SCOPES_MAX = 4_096;

/** What is remembered from one request to the next. */
interface Memory {
  readonly tokens: Tokens;
  readonly habits: RecentMap<string, Habit>;
  /** By registry and repository: the scope where it is not the usual one. */
  readonly scopes: RecentMap<string, string>;
}

/** Makes the authenticator. */
export function createAuthenticator(transport: Transport, tokens: Tokens): Authenticator {
  const memory: Memory = {
    tokens,
    habits: createRecentMap(REGISTRIES_MAX),
    scopes: createRecentMap(SCOPES_MAX),
  };
  return {
    send: async (request, signal) => {
      // 1. With what the registry wanted last time: a round trip saved.
      const given = await byHabit(memory, request, signal);
      if (given.failure !== undefined && !isRefusal(given.failure)) return fail(given.failure);
      const first = await transport.send(withHeader(request, given.header), signal);
      if (!first.ok || first.value.status !== 401 || first.value.foreign) return first;
      // 2. With what its challenge wants (RFC 9110 §11.6.1, distribution's token specification).
      const wanted = await byChallenge(memory, { request, answer: first.value, given }, signal);
      if (wanted.failure !== undefined) return fail(wanted.failure);
      if (wanted.header === undefined) return first;
      return await transport.send(withHeader(request, wanted.header), signal);
    },
  };
}

/** What the registry wanted last time; a ready token needs no asking. */
async function byHabit(
  memory: Memory,
  request: AuthorizedRequest,
  signal: AbortSignal,
): Promise<Authorization> {
  const { registry, credential, repository, action } = request;
  if (credential?.registryToken) return readyToken(registry, credential.registryToken);
  const habit = memory.habits.get(registry);
  if (habit === undefined) return {};
  if (habit.scheme === 'basic') return basicFor(credential);
  const scope = memory.scopes.get(`${registry}/${repository}`) ?? usualScope(repository, action);
  return await tokenFor(memory.tokens, tokenScope(request, habit, scope), signal);
}

interface Refused {
  readonly request: AuthorizedRequest;
  readonly answer: TransportAnswer;
  readonly given: Authorization;
}

/** What the challenge of a 401 wants; nothing when just that was given and refused. */
async function byChallenge(
  { tokens, habits, scopes }: Memory,
  { request, answer, given }: Refused,
  signal: AbortSignal,
): Promise<Authorization> {
  const { registry, repository, action, credential } = request;
  const asked = choose(answer);
  if (asked === undefined || credential?.registryToken) return onlyFailure(given);
  habits.set(registry, asked.habit);
  if (asked.habit.scheme === 'basic') {
    const basic = basicFor(credential);
    return basic.header === given.header ? onlyFailure(given) : basic;
  }
  const usual = usualScope(repository, action);
  const scope = asked.scope ?? usual;
  if (scope !== usual) scopes.set(`${registry}/${repository}`, scope);
  const wanted = tokenScope(request, asked.habit, scope);
  if (given.fresh !== undefined && sameScope(given.fresh, wanted)) return onlyFailure(given);
  // A 401 on a remembered token renews it at once.
  if (given.header === `Bearer ${tokens.cached(wanted)}`) tokens.forget(wanted);
  return await tokenFor(tokens, wanted, signal);
}

async function tokenFor(
  tokens: Tokens,
  scope: TokenScope,
  signal: AbortSignal,
): Promise<Authorization> {
  const cached = tokens.cached(scope);
  if (cached !== undefined) return { header: `Bearer ${cached}` };
  const fetched = await tokens.fetch(scope, signal);
  if (!fetched.ok) return { fresh: scope, failure: fetched.error };
  return { header: `Bearer ${fetched.value}`, fresh: scope };
}

function onlyFailure({ failure }: Authorization): Authorization {
  return failure === undefined ? {} : { failure };
}

function readyToken(registry: string, token: string): Authorization {
  if (isHeaderSafe(token)) return { header: `Bearer ${token}` };
  const message = `${registry}: expected a registry token that fits a header, got blanks in it`;
  return { failure: { kind: 'protocol', message } };
}

function usualScope(repository: string, action: string): string {
  return `repository:${repository}:${action}`;
}

function withHeader(request: AuthorizedRequest, authorization: string | undefined) {
  const { registry, target, method, headers, bodyBytesMax } = request;
  return {
    ...{ registry, target, method, headers, bodyBytesMax },
    ...(authorization !== undefined && { authorization }),
  };
}

/** The token service said no: the registry itself may still serve without. */
function isRefusal(failure: OciFailure): boolean {
  return failure.kind === 'answer' && failure.status === 401;
}

function basicFor(credential: Credential | undefined): Authorization {
  if (credential === undefined || credential.username === '') return {};
  return { header: basicAuthorization(credential) };
}

/** Bearer where a token can be had, else Basic; other schemes we do not speak. */
function choose(
  answer: TransportAnswer,
): { readonly habit: Habit; readonly scope?: string } | undefined {
  const challenges = parseChallenges([answer.headers['www-authenticate'] ?? []].flat());
  for (const { scheme, parameters } of challenges) {
    const realm = scheme === 'bearer' ? URL.parse(parameters['realm'] ?? '') : null;
    if (realm !== null) {
      const { service, scope } = parameters;
      return {
        habit: { scheme: 'bearer', realm, ...(service !== undefined && { service }) },
        ...(scope !== undefined && scope !== '' && { scope }),
      };
    }
  }
  return challenges.some(isBasic) ? { habit: { scheme: 'basic' } } : undefined;
}

function isBasic({ scheme }: Challenge): boolean {
  return scheme === 'basic';
}

function tokenScope(
  { registry, credential }: AuthorizedRequest,
  { realm, service }: Extract<Habit, { scheme: 'bearer' }>,
  scope: string,
): TokenScope {
  return {
    ...{ registry, realm, scope },
    ...(service !== undefined && { service }),
    ...(credential !== undefined && { credential }),
  };
}

function sameScope(one: TokenScope, other: TokenScope): boolean {
  return (
    one.realm.href === other.realm.href &&
    one.service === other.service &&
    one.scope === other.scope
  );
}
