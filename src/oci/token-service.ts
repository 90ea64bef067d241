import type { Credential } from '#core/credentials.ts';
import { type OciFailure, translateAnswer } from './errors.ts';
import type { TransportAnswer } from './exchange.ts';
import type { TokenScope } from './tokens.ts';
import type { TransportRequest } from './transport.ts';

/** How a token is asked for: with an identity token, as a user, or as nobody. */
export type Way =
  | { readonly kind: 'identity'; readonly token: string }
  | { readonly kind: 'password'; readonly credential: Credential }
  | { readonly kind: 'anonymous' };

/** A token with how long it lives. */
export interface TokenReading {
  readonly token: string;
  readonly lifetimeMs: number;
  /** Takes the place of the identity token it was given for. */
  readonly refreshToken?: string;
}

/** What an answer of a token service comes to. */
export type TokenMeaning =
  | (TokenReading & { readonly kind: 'token' })
  /** It says no to this credential: another one may do. */
  | { readonly kind: 'refusal'; readonly failure: OciFailure }
  /** It says nothing of the credential. */
  | { readonly kind: 'trouble'; readonly failure: OciFailure };

/** Real token answers are below 20 KB. */
const TOKEN_BYTES_MAX = 65_536;
/** The spec's default where `expires_in` is missing. */
const LIFETIME_DEFAULT_MS = 60_000;
/** How docker's credential helpers say that the password is an identity token. */
const IDENTITY_USERNAME = '<token>';
/** Behaviour §4: what services say to a credential that they do not take, whatever it looks like. */
const REFUSED: ReadonlySet<number> = new Set([400, 401, 403, 404]);

/**
 * The ways to ask with a credential, in their order: an identity token as such first, then user and
 * password, of which `<token>` and the token are a pair too (OpenShift's registry takes them so).
 */
export function waysToAsk(
  credential: Credential | undefined,
  replacement: string | undefined,
): readonly Way[] {
  if (credential === undefined) return [{ kind: 'anonymous' }];
  const { username, password, identityToken } = credential;
  const own = identityToken || (username === IDENTITY_USERNAME ? password : '');
  const tokens = [...new Set([replacement ?? '', own])].filter((token) => token !== '');
  const ways: Way[] = tokens.map((token) => ({ kind: 'identity', token }));
  if (username !== '' && password !== '') ways.push({ kind: 'password', credential });
  return ways.length > 0 ? ways : [{ kind: 'anonymous' }];
}

/** The request to a token service. */
export function tokenRequest(scope: TokenScope, way: Way): TransportRequest {
  const { registry, share } = scope;
  const common = { registry, bodyBytesMax: TOKEN_BYTES_MAX, ...(share !== undefined && { share }) };
  return way.kind === 'identity'
    ? { ...common, ...refreshRequest(scope, way.token) }
    : { ...common, ...queryRequest(scope, way) };
}

type Asking = Pick<TransportRequest, 'target' | 'method' | 'headers' | 'authorization' | 'body'>;

/** "Token Authentication": GET with the scopes as a query, Basic where there is a credential. */
function queryRequest(
  { realm, service, scope }: TokenScope,
  way: Exclude<Way, { kind: 'identity' }>,
): Asking {
  const url = new URL(realm.url);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const one of scope.split(' ')) url.searchParams.append('scope', one);
  url.searchParams.set('client_id', 'kuik');
  const target = { ...realm, url };
  const request = { target, method: 'GET' as const, headers: { accept: 'application/json' } };
  if (way.kind === 'anonymous') return request;
  url.searchParams.set('account', way.credential.username);
  return { ...request, authorization: basicAuthorization(way.credential) };
}

/** "OAuth2": POST with an identity token, which is a refresh token to the service. */
function refreshRequest({ realm, service, scope }: TokenScope, identityToken: string): Asking {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'kuik',
    scope,
    refresh_token: identityToken,
  });
  if (service !== undefined) form.set('service', service);
  return {
    target: realm,
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: form.toString(),
  };
}

/** The header of a user name and password (RFC 7617). */
export function basicAuthorization({ username, password }: Credential): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** Whether a text may stand in an Authorization header: a token with a line break may not. */
export function isHeaderSafe(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

/** What was asked, as far as the meaning of the answer goes. */
interface TokenQuestion {
  readonly scope: TokenScope;
  readonly way: Way;
  readonly nowMs: number;
}

/** A refused credential is a 401 of the registry; 429 and 5xx mean what they always mean. */
export function meaningOf(
  answer: TransportAnswer,
  { scope, way, nowMs }: TokenQuestion,
): TokenMeaning {
  const asked = `${scope.registry}: token service ${scope.realm.url.host.slice(0, 100)}`;
  const { status } = answer;
  if (status === 200) {
    const reading = readToken(answer);
    if (reading !== undefined) return { kind: 'token', ...reading };
    const message = `${asked}: expected a token, got something else`;
    // Cut off it may well have been one.
    return answer.complete
      ? { kind: 'refusal', failure: { kind: 'answer', status: 401, message } }
      : { kind: 'trouble', failure: { kind: 'protocol', message } };
  }
  const failure = translateAnswer(answer, asked, nowMs);
  const { message } = failure;
  // A service without OAuth2 does not know the method.
  if (REFUSED.has(status) || (status === 405 && way.kind === 'identity')) {
    return { kind: 'refusal', failure: { kind: 'answer', status: 401, message } };
  }
  // 404 above all must not make an image look absent, so nothing else is an answer of the registry.
  const isRegistrys = status === 429 || status >= 500;
  return { kind: 'trouble', failure: isRegistrys ? failure : { kind: 'protocol', message } };
}

function readToken({ body, complete }: TransportAnswer): TokenReading | undefined {
  const fields = complete ? parseObject(body.toString()) : {};
  const token = fields['token'] || fields['access_token'];
  if (typeof token !== 'string' || !isHeaderSafe(token)) return undefined;
  const seconds = Number(fields['expires_in']);
  const refreshToken = fields['refresh_token'];
  return {
    token,
    lifetimeMs: seconds > 0 ? seconds * 1000 : LIFETIME_DEFAULT_MS,
    ...(typeof refreshToken === 'string' && refreshToken !== '' && { refreshToken }),
  };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
