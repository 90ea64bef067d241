import { createHash } from 'node:crypto';
import { BoundedMap } from '#core/bounded-map.ts';
import type { Credential } from '#core/credentials.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import { type OciFailure, translateAnswer } from './errors.ts';
import type { Transport, TransportAnswer } from './transport.ts';

/** What a token is good for: the key of the cache, with the credential it was given for. */
export interface TokenScope {
  /** On whose behalf: its connections and TLS settings are used. */
  readonly registry: string;
  readonly realm: URL;
  readonly service?: string;
  /** Scopes with a blank between them, as the challenge writes them. */
  readonly scope: string;
  readonly credential?: Credential;
}

/** Fetches tokens and remembers them until they expire. */
export interface Tokens {
  /** A token that still lives. */
  readonly cached: (scope: TokenScope) => string | undefined;
  /** A new token from the token service, whatever is remembered. */
  readonly fetch: (scope: TokenScope, signal: AbortSignal) => Promise<Result<string, OciFailure>>;
  readonly forget: (scope: TokenScope) => void;
}

/** What tokens need. */
export interface TokenOptions {
  readonly transport: Transport;
  /** Wall time, for Retry-After. */
  readonly nowMs: () => number;
  /** Monotonic time, for lifetimes: a jump of the wall clock must not revive a token. */
  readonly monotonicMs: () => number;
}

/** About 3 KB each on Docker Hub: 12 MB. */
const TOKENS_MAX = 4_096;
/** Real token answers are below 20 KB. */
const TOKEN_BYTES_MAX = 65_536;
/** The spec's default where `expires_in` is missing. */
const LIFETIME_DEFAULT_MS = 60_000;
/** A token is not used in the last tenth of its life, at most this long before its end. */
const MARGIN_MS_MAX = 10_000;
/** How docker's credential helpers say that the password is an identity token. */
const IDENTITY_USERNAME = '<token>';

/** Makes the token cache (distribution spec, "Token Authentication" and "OAuth2"). */
export function createTokens({ transport, nowMs, monotonicMs }: TokenOptions): Tokens {
  const tokens = new BoundedMap<string, { token: string; expiresAtMs: number }>(TOKENS_MAX);
  // OAuth2 services may replace a refresh token at each use: the new one counts from then on.
  const refreshed = new BoundedMap<string, string>(TOKENS_MAX);

  const remember = (scope: TokenScope, answer: TokenReading, askedAtMs: number): void => {
    const { token, lifetimeMs, refreshToken } = answer;
    const margin = Math.min(lifetimeMs / 10, MARGIN_MS_MAX);
    tokens.set(tokenKey(scope), { token, expiresAtMs: askedAtMs + lifetimeMs - margin });
    if (refreshToken !== undefined && identityTokenOf(scope.credential) !== undefined) {
      refreshed.set(credentialKey(scope), refreshToken);
    }
  };

  return {
    cached: (scope) => {
      const known = tokens.get(tokenKey(scope));
      return known !== undefined && known.expiresAtMs > monotonicMs() ? known.token : undefined;
    },
    forget: (scope) => tokens.delete(tokenKey(scope)),
    fetch: async (scope, signal) => {
      const { registry, realm } = scope;
      const askedAtMs = monotonicMs();
      const send = async (request: TokenRequest) =>
        await transport.send({ registry, bodyBytesMax: TOKEN_BYTES_MAX, ...request }, signal);
      const request = tokenRequest(scope, refreshed.get(credentialKey(scope)));
      const first = await send(request);
      const sent = isPostUnknown(request, first) ? await send(basicRequest(scope)) : first;
      if (!sent.ok) return sent;
      if (sent.value.status !== 200) {
        // A replaced refresh token that is refused: next time from the Secret's own again.
        refreshed.delete(credentialKey(scope));
        return fail(refusal(scope, sent.value, nowMs()));
      }
      const answer = readToken(sent.value);
      if (answer === undefined) {
        const message = `${registry}: expected a token from ${realm.host}, got something else`;
        return fail({ kind: 'protocol', message });
      }
      remember(scope, answer, askedAtMs);
      return succeed(answer.token);
    },
  };
}

function tokenRequest(scope: TokenScope, refreshToken: string | undefined): TokenRequest {
  const identityToken = refreshToken ?? identityTokenOf(scope.credential);
  return identityToken === undefined ? basicRequest(scope) : refreshRequest(scope, identityToken);
}

type TokenRequest = Pick<
  Parameters<Transport['send']>[0],
  'target' | 'method' | 'headers' | 'authorization' | 'body'
>;

/** "OAuth2": a service without it answers POST with 404, and is asked as all others are. */
function isPostUnknown(
  { method }: TokenRequest,
  answer: Result<TransportAnswer, OciFailure>,
): boolean {
  return method === 'POST' && answer.ok && [404, 405].includes(answer.value.status);
}

/** "Token Authentication": GET with the scopes as a query, Basic where there is a credential. */
function basicRequest({ realm, service, scope, credential }: TokenScope): TokenRequest {
  const target = new URL(realm);
  if (service !== undefined) target.searchParams.set('service', service);
  for (const one of scope.split(' ')) target.searchParams.append('scope', one);
  target.searchParams.set('client_id', 'kuik');
  const request = { target, method: 'GET' as const, headers: { accept: 'application/json' } };
  if (credential === undefined || credential.username === '') return request;
  target.searchParams.set('account', credential.username);
  return { ...request, authorization: basicAuthorization(credential) };
}

/** "OAuth2": POST with an identity token, which is a refresh token to the service. */
function refreshRequest(scope: TokenScope, identityToken: string): TokenRequest {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: 'kuik',
    scope: scope.scope,
    refresh_token: identityToken,
  });
  if (scope.service !== undefined) form.set('service', scope.service);
  return {
    target: scope.realm,
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

function identityTokenOf(credential: Credential | undefined): string | undefined {
  if (credential?.identityToken) return credential.identityToken;
  return credential?.username === IDENTITY_USERNAME ? credential.password : undefined;
}

/**
 * A refused credential is a 401 of the registry; 429 and 5xx mean what they always mean. Any other
 * status, 404 above all, says nothing about the image. RFC 6749 §5.2 refuses tokens with 400.
 */
function refusal(scope: TokenScope, answer: TransportAnswer, nowMs: number): OciFailure {
  const asked = `${scope.registry}: token service ${scope.realm.host}`;
  const failure = translateAnswer(answer, asked, nowMs);
  const { status } = answer;
  const refused = identityTokenOf(scope.credential) === undefined ? [401, 403] : [400, 401, 403];
  if (refused.includes(status)) return { kind: 'answer', status: 401, message: failure.message };
  if (status === 429 || status >= 500) return failure;
  return { kind: 'protocol', message: failure.message };
}

interface TokenReading {
  readonly token: string;
  readonly lifetimeMs: number;
  readonly refreshToken?: string;
}

function readToken({ body, complete }: TransportAnswer): TokenReading | undefined {
  const fields = complete ? parseObject(body) : {};
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

/** Realm, service, scope and credential (behaviour §4), the credential as a digest. */
function tokenKey(scope: TokenScope): string {
  return `${scope.scope} ${credentialKey(scope)}`;
}

function credentialKey({ registry, realm, service, credential }: TokenScope): string {
  const secret = credential && [
    credential.username,
    credential.password,
    credential.identityToken ?? '',
  ];
  // The registry too: its TLS settings decided whom we asked.
  const parts = [registry, realm.href, service ?? null, secret ?? null];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}
