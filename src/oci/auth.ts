import { BoundedMap } from '#core/bounded-map.ts';
import { type Challenge, parseChallenges } from '#core/challenge.ts';
import type { Credential } from '#core/credentials.ts';
import { fail, type Result } from '#core/result.ts';
import type { OciFailure } from './errors.ts';
import { createFirstContact } from './first-contact.ts';
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
  | { readonly scheme: 'none' }
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
  readonly habits: BoundedMap<string, Habit>;
  /** By registry and repository: the scope where it is not the usual one. */
  readonly scopes: BoundedMap<string, string>;
}

/** Makes the authenticator. */
export function createAuthenticator(transport: Transport, tokens: Tokens): Authenticator {
  const memory: Memory = {
    tokens,
    habits: new BoundedMap(REGISTRIES_MAX),
    scopes: new BoundedMap(SCOPES_MAX),
  };
  const contact = createFirstContact();
  const sendFirst = async (
    request: AuthorizedRequest,
    given: Authorization,
    signal: AbortSignal,
  ): Promise<FirstAnswer> => {
    const sent = await transport.send(withHeader(request, given.header), signal);
    const asked = learn(memory.habits, request.registry, sent);
    return { given, sent, ...(asked !== undefined && { asked }) };
  };
  const sendByHabit = async (
    request: AuthorizedRequest,
    signal: AbortSignal,
  ): Promise<FirstAnswer> => {
    const isKnown = (): boolean => memory.habits.get(request.registry) !== undefined;
    const done = await contact.enter(request.registry, isKnown, signal);
    try {
      const given = await byHabit(memory, request, signal);
      if (given.failure !== undefined && !isRefusal(given.failure)) {
        // Its token service may have moved or gone: next time the registry itself says what it wants.
        memory.habits.delete(request.registry);
        return { given, sent: fail(given.failure) };
      }
      return await sendFirst(request, given, signal);
    } finally {
      done?.();
    }
  };
  return {
    send: async (request, signal) => {
      // 1. With what the registry wanted last time: a round trip saved.
      const { given, sent, asked } = await sendByHabit(request, signal);
      if (asked === undefined) return sent;
      // 2. With what its challenge wants (RFC 9110 §11.6.1, distribution's token specification).
      const wanted = await byChallenge(memory, { request, asked, given }, signal);
      if (wanted.failure !== undefined) return fail(wanted.failure);
      if (wanted.header === undefined) return sent;
      return await transport.send(withHeader(request, wanted.header), signal);
    },
  };
}

/** The first answer, and what its challenge asks for where it is one that we can answer. */
interface FirstAnswer {
  readonly given: Authorization;
  readonly sent: Result<TransportAnswer, OciFailure>;
  readonly asked?: Asked;
}

/** What a challenge asks for. */
interface Asked {
  readonly habit: Habit;
  readonly scope?: string;
}

/**
 * Remembers what a registry asks for. One that serves or knows nothing of an image without asking
 * asks for nothing, until it does; trouble (429, 5xx) says nothing about that.
 */
function learn(
  habits: BoundedMap<string, Habit>,
  registry: string,
  sent: Result<TransportAnswer, OciFailure>,
): Asked | undefined {
  if (!sent.ok) return undefined;
  const { status, foreign } = sent.value;
  if (status === 401 && !foreign) {
    const asked = choose(sent.value);
    if (asked !== undefined) habits.set(registry, asked.habit);
    return asked;
  }
  const isTrouble = status === 429 || status >= 500;
  if (!isTrouble && habits.get(registry) === undefined) habits.set(registry, { scheme: 'none' });
  return undefined;
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
  if (habit === undefined || habit.scheme === 'none') return {};
  if (habit.scheme === 'basic') return basicFor(credential);
  const scope = memory.scopes.get(`${registry}/${repository}`) ?? usualScope(repository, action);
  return await tokenFor(memory.tokens, tokenScope(request, habit, scope), signal);
}

interface Refused {
  readonly request: AuthorizedRequest;
  readonly asked: Asked;
  readonly given: Authorization;
}

/** What the challenge of a 401 wants; nothing when just that was given and refused. */
async function byChallenge(
  { tokens, scopes }: Memory,
  { request, asked, given }: Refused,
  signal: AbortSignal,
): Promise<Authorization> {
  const { registry, repository, action, credential } = request;
  if (credential?.registryToken) return {};
  if (asked.habit.scheme !== 'bearer') {
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
function choose(answer: TransportAnswer): Asked | undefined {
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
