import type { Credential } from '#core/credentials.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { type OciFailure, outOfTime } from './errors.ts';
import type { Lead, TransportAnswer } from './exchange.ts';
import { type Asked, type Expectation, type Habit, type Habits, readChallenge } from './habits.ts';
import { type ScopeRequest, usualScope, wantedScope } from './scopes.ts';
import { basicAuthorization, isHeaderSafe } from './token-service.ts';
import type { Grant, TokenScope, Tokens } from './tokens.ts';
import { afterAnswer, type Transport, type TransportRequest } from './transport.ts';

/** One request to a registry that may have to say who asks. */
export interface AuthorizedRequest
  extends Omit<TransportRequest, 'target' | 'authorization'>,
    ScopeRequest {
  /** Path on the registry. */
  readonly target: string;
  readonly credential?: Credential;
  /** A token that is remembered has to live so much longer; a new one will do in any case. */
  readonly tokenMsMin?: number;
}

/** What the authenticator stands on. */
export interface AuthenticatorOptions {
  readonly transport: Transport;
  readonly tokens: Tokens;
  readonly habits: Habits;
}

/** An authorization and what it was made from. */
interface Authorization {
  readonly header?: string;
  readonly grant?: Grant;
  /** Why there is none although one was asked for, and what for. */
  readonly failure?: OciFailure;
  readonly failed?: TokenScope;
}

/** By habit, as the challenge says, with a new token, with the password in place of the identity. */
const TRIES_MAX = 4;

/** Sends requests with the authorization that the registry asks for. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;

  /** Remembers what it learns in the given habits and tokens. */
  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** The answer to the best authorization there is; a failure after an answer says so. */
  async send(
    request: AuthorizedRequest,
    signal: AbortSignal,
  ): Promise<Result<TransportAnswer, OciFailure>> {
    // 1. With what the registry wants as far as that is known: a round trip saved.
    const { done, ...first } = await byHabit(this.#options, request, signal);
    if (first.failure !== undefined && !isRefusal(first.failure)) {
      return this.#give(first, request);
    }
    let last = await this.#try({ request, given: first, done }, signal);
    for (let tries = 1; last.next !== undefined && tries < TRIES_MAX; tries += 1) {
      // A token was renewed; what its body was made from has to be read again by whoever sends it.
      if (isSpent(request)) return last.sent;
      // 2. With what its challenge wants (RFC 9110 §11.6.1, distribution's token specification).
      const { next } = last;
      last =
        next.failure === undefined
          ? await this.#try({ request, given: next }, signal)
          : { sent: this.#give(next, request) };
      if (!last.sent.ok) return fail(afterAnswer(last.sent.error));
    }
    return last.sent;
  }

  /** Fails with why there is no authorization. */
  #give(
    { failure, failed }: Authorization,
    request: AuthorizedRequest,
  ): Result<TransportAnswer, OciFailure> {
    const told = failure ?? outOfTime(request.registry);
    // A token service that may have moved or gone: next time the registry is asked for it again.
    if (failed !== undefined && !isRefusal(told)) this.#options.habits.forget(request);
    return fail(told);
  }

  /** One request, and with what it is worth to try again. */
  async #try({ request, given, done }: Trial, signal: AbortSignal): Promise<Tried> {
    const { transport, habits } = this.#options;
    let sent: Result<TransportAnswer, OciFailure>;
    try {
      sent = await transport.send(toTransport(request, given.header), signal);
    } finally {
      done?.();
    }
    if (!sent.ok) return { sent };
    const answer = sent.value;
    const asked = habits.learn(request, answer);
    if (answer.foreign) {
      return { sent: await askElsewhere(this.#options, { request, answer }, signal) };
    }
    // A ready token is all there is.
    if (asked === undefined || request.credential?.registryToken) return { sent };
    const next = await byChallenge(this.#options, { request, asked, given }, signal);
    return { sent, ...(next !== undefined && { next }) };
  }
}

interface Given {
  readonly request: AuthorizedRequest;
  readonly given: Authorization;
}

interface Trial extends Given {
  readonly done?: (() => void) | undefined;
}

interface Tried {
  readonly sent: Result<TransportAnswer, OciFailure>;
  readonly next?: Authorization;
}

/** What the registry wanted last time; a ready token needs no asking. */
async function byHabit(
  { habits, tokens }: AuthenticatorOptions,
  request: AuthorizedRequest,
  signal: AbortSignal,
): Promise<Authorization & Expectation> {
  const { registry, credential } = request;
  if (credential?.registryToken) return readyToken(registry, credential.registryToken);
  const isAnonymous = credential === undefined;
  const { habit, done } = await habits.expected(request, { isAnonymous, signal });
  if (habit === undefined || habit.scheme === 'none') return done === undefined ? {} : { done };
  if (habit.scheme === 'basic') return basicFor(credential);
  const scope = tokenScope(request, habit, habits.scopeOf(request));
  return await tokenFor({ tokens, liveMsMin: request.tokenMsMin }, scope, signal);
}

interface Refused extends Given {
  readonly asked: Asked;
}

/** What the challenge of a 401 wants; `undefined` when just that was given and refused. */
async function byChallenge(
  { tokens }: AuthenticatorOptions,
  { request, asked, given }: Refused,
  signal: AbortSignal,
): Promise<Authorization | undefined> {
  const { habit } = asked;
  if (habit.scheme !== 'bearer') {
    const basic = basicFor(request.credential);
    return basic.header === given.header ? undefined : basic;
  }
  const wanted = tokenScope(request, habit, wantedScope(request, asked.scope));
  if (given.failed !== undefined && sameScope(given.failed, wanted)) return given;
  const { grant } = given;
  if (grant !== undefined && sameScope(grant.scope, wanted) && !tokens.refuse(grant)) {
    return undefined;
  }
  return await tokenFor({ tokens, liveMsMin: request.tokenMsMin }, wanted, signal);
}

/** Where a registry sends us on to, and what was asked for. */
interface Elsewhere {
  readonly request: AuthorizedRequest;
  readonly answer: TransportAnswer;
}

/** Another host's own challenge is answered as nobody: whoever asked has no credential for it. */
async function askElsewhere(
  { transport, tokens }: Pick<AuthenticatorOptions, 'transport' | 'tokens'>,
  { request, answer }: Elsewhere,
  signal: AbortSignal,
): Promise<Result<TransportAnswer, OciFailure>> {
  const scope = anonymousScope(request, answer);
  const got = scope === undefined ? undefined : await tokens.get(scope, signal);
  if (got === undefined) return succeed(answer);
  if (!got.ok) return isRefusal(got.error) ? succeed(answer) : fail(afterAnswer(got.error));
  const again = toTransport(request, `Bearer ${got.value.token}`);
  const sent = await transport.send({ ...again, target: answer.lead }, signal);
  if (!sent.ok) return fail(afterAnswer(sent.error));
  if (sent.value.status !== 401 || !tokens.refuse(got.value)) return sent;
  // A remembered token had run out; the next one is new, and what comes of it is final.
  return await askElsewhere({ transport, tokens }, { request, answer: sent.value }, signal);
}

/** What the token service of another host is asked for, where it has one. */
function anonymousScope(
  { credential: _, ...anonymous }: AuthorizedRequest,
  answer: TransportAnswer,
): TokenScope | undefined {
  const asked = readChallenge(answer);
  if (asked?.habit.scheme !== 'bearer') return undefined;
  const scope = asked.scope ?? usualScope(repositoryAt(answer.lead) ?? anonymous);
  return tokenScope(anonymous, asked.habit, scope);
}

/** The repository of a URL, which is not called there as it is here. */
function repositoryAt({ url }: Lead): { readonly repository: string } | undefined {
  const repository = /^\/v2\/(.+)\/(?:manifests|blobs)\//.exec(url.pathname)?.[1];
  return repository === undefined ? undefined : { repository };
}

async function tokenFor(
  { tokens, liveMsMin }: { readonly tokens: Tokens; readonly liveMsMin: number | undefined },
  scope: TokenScope,
  signal: AbortSignal,
): Promise<Authorization> {
  const got = await tokens.get(scope, signal, liveMsMin);
  if (!got.ok) return { failure: got.error, failed: scope };
  return { header: `Bearer ${got.value.token}`, grant: got.value };
}

function readyToken(registry: string, token: string): Authorization {
  if (isHeaderSafe(token)) return { header: `Bearer ${token}` };
  const message = `${registry}: expected a registry token that fits a header, got blanks in it`;
  return { failure: { kind: 'protocol', message } };
}

function toTransport(request: AuthorizedRequest, authorization: string | undefined) {
  const { repository, actions, mountFrom, credential, tokenMsMin, ...plain } = request;
  return {
    ...plain,
    ...(authorization !== undefined && { authorization }),
    ...(credential !== undefined && { asker: credential }),
  };
}

function isSpent({ body }: AuthorizedRequest): boolean {
  return typeof body === 'object' && 'isSpent' in body && body.isSpent;
}

/** The token service said no: the registry itself may still serve without. */
function isRefusal(failure: OciFailure): boolean {
  return failure.kind === 'answer' && failure.status === 401;
}

function basicFor(credential: Credential | undefined): Authorization {
  if (credential === undefined || credential.username === '') return {};
  return { header: basicAuthorization(credential) };
}

function tokenScope(
  { registry, credential, share }: AuthorizedRequest,
  { realm, service }: Extract<Habit, { scheme: 'bearer' }>,
  scope: string,
): TokenScope {
  return {
    ...{ registry, realm, scope },
    ...(service !== undefined && { service }),
    ...(credential !== undefined && { credential }),
    ...(share !== undefined && { share }),
  };
}

function sameScope(one: TokenScope, other: TokenScope): boolean {
  return (
    one.realm.url.href === other.realm.url.href &&
    one.service === other.service &&
    one.scope === other.scope
  );
}
