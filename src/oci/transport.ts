import { BoundedMap } from '#core/bounded-map.ts';
import type { Result } from '#core/result.ts';
import { fail, succeed } from '#core/result.ts';
import { ForbiddenError, isLinkLocal, isLoopback } from './addresses.ts';
import { readBody } from './body.ts';
import type { Connections, RegistrySettings } from './connections.ts';
import { type OciFailure, outOfTime, ProtocolError, spokeNoTls, translateError } from './errors.ts';
import type { AnswerHeaders } from './quota.ts';

/** One request on behalf of one registry. */
export interface TransportRequest {
  /** The registry as a reference names it: its settings and connections are used. */
  readonly registry: string;
  /** A path on the registry itself, or a URL it sent us to (its token service). */
  readonly target: string | URL;
  readonly method: 'HEAD' | 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the target's own origin only, never to where it redirects. */
  readonly authorization?: string;
  readonly body?: string;
  /** Bytes of the answer's body that are read; what is beyond costs the connection. */
  readonly bodyBytesMax: number;
}

/** An answer of any status that is no redirect. */
export interface TransportAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: string;
  /** False when the body was longer than asked for, or broke off. */
  readonly complete: boolean;
  /** True when a redirect led elsewhere: its challenges are not the registry's. */
  readonly foreign: boolean;
}

/** Sends requests: https or plain HTTP, redirects, bounded bodies. No credentials of its own. */
export interface Transport {
  readonly send: (
    request: TransportRequest,
    signal: AbortSignal,
  ) => Promise<Result<TransportAnswer, OciFailure>>;
}

/** What the transport stands on. */
export interface TransportOptions {
  readonly connections: Connections;
  readonly settingsOf: (registry: string) => RegistrySettings;
}

/** Redirects of one request: a blob store behind a balancer takes two. */
const REDIRECTS_MAX = 5;
/** Loopback registries remembered as plain HTTP; there are few ports in use on one machine. */
const PLAIN_HOSTS_MAX = 512;
const REDIRECT_STATUS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Docker Hub's registry is not at the name that images carry (behaviour §4). */
const DOCKER_HUB_HOST = 'registry-1.docker.io';

/** Makes the transport. */
export function createTransport({ connections, settingsOf }: TransportOptions): Transport {
  const plainHosts = new BoundedMap<string, true>(PLAIN_HOSTS_MAX);

  const isPlain = (registry: string): boolean =>
    settingsOf(registry).plainHTTP === true || plainHosts.get(registry) === true;

  const sendOver = async (
    scheme: 'http' | 'https',
    request: TransportRequest,
    signal: AbortSignal,
  ): Promise<TransportAnswer> => {
    const host = request.registry === 'docker.io' ? DOCKER_HUB_HOST : request.registry;
    const own = registryUrl(`${scheme}://${host}/`);
    const target = request.target instanceof URL ? request.target : new URL(request.target, own);
    return await follow({ ...request, target, own, connections }, signal);
  };

  const sendPlain = async (
    request: TransportRequest,
    signal: AbortSignal,
  ): Promise<TransportAnswer> => {
    const forget = (): void => plainHosts.delete(request.registry);
    const answer = await sendOver('http', request, signal).catch((error: unknown) => {
      forget();
      throw error;
    });
    // 400 is what a server that has learnt TLS meanwhile says to plain HTTP.
    if (answer.status === 400) forget();
    return answer;
  };

  const sendSecure = async (
    request: TransportRequest,
    signal: AbortSignal,
  ): Promise<TransportAnswer> => {
    const { registry } = request;
    try {
      return await sendOver('https', request, signal);
    } catch (error) {
      if (signal.aborted || !isLoopback(registry) || !spokeNoTls(error)) throw error;
      const answer = await sendOver('http', request, signal);
      plainHosts.set(registry, true);
      return answer;
    }
  };

  // A URL that the registry sent us to says itself how it is spoken to.
  const sendOnce = async (
    request: TransportRequest,
    signal: AbortSignal,
  ): Promise<TransportAnswer> => {
    const scheme = isPlain(request.registry) ? 'http' : 'https';
    if (request.target instanceof URL) return await sendOver(scheme, request, signal);
    return scheme === 'http' ? await sendPlain(request, signal) : await sendSecure(request, signal);
  };

  return {
    send: async (request, signal) => {
      if (signal.aborted) return fail(outOfTime(request.registry));
      try {
        return succeed(await sendOnce(request, signal));
      } catch (error) {
        if (signal.aborted) return fail(outOfTime(request.registry));
        return fail(translateError(error, request.registry));
      }
    },
  };
}

/** A host that passed as one in a reference but is none to a URL is an outcome, not a bug. */
function registryUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new ProtocolError('expected a host name, got one that no URL can carry');
  return url;
}

interface Hop extends TransportRequest {
  readonly target: URL;
  /** Where the registry itself is spoken to. */
  readonly own: URL;
  readonly connections: Connections;
}

/** RFC 9110 §15.4: follows redirects with the same method, the Authorization header left behind. */
async function follow(request: Hop, signal: AbortSignal): Promise<TransportAnswer> {
  let url = request.target;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const foreign = url.origin !== request.target.origin;
    const { location, ...answer } = await exchange(request, url, signal);
    if (location === undefined) return { ...answer, foreign };
    const next = URL.parse(location, url.href);
    if (next === null) throw new ProtocolError('expected a URL to be redirected to, got none');
    url = next;
  }
  throw new ProtocolError(`expected at most ${REDIRECTS_MAX} redirects, got more`);
}

/** One request and its answer; `location` when that is a redirect which may be followed. */
async function exchange(
  request: Hop,
  url: URL,
  signal: AbortSignal,
): Promise<Omit<TransportAnswer, 'foreign'> & { readonly location?: string }> {
  refuseForbidden(url, request.own);
  const { authorization } = request;
  const isOwn = url.origin === request.target.origin;
  const pending = request.connections.dispatcherFor(request.registry, url).request({
    origin: url.origin,
    path: `${url.pathname}${url.search}`,
    method: request.method,
    headers: {
      ...request.headers,
      ...(isOwn && authorization !== undefined && { authorization }),
    },
    body: request.body ?? null,
    signal,
    // Without this undici ends the connection after every HEAD.
    reset: false,
  });
  const { statusCode, headers, body } = await orAborted(pending, signal);
  const read = await readBody(body, { bytesMax: request.bodyBytesMax, status: statusCode });
  const location = headers['location'];
  // A POST carries a secret in its body: wherever it is sent on to, it is not followed.
  const follows = REDIRECT_STATUS.has(statusCode) && request.method !== 'POST';
  return {
    status: statusCode,
    headers,
    ...read,
    ...(follows && typeof location === 'string' && { location }),
  };
}

/**
 * Behaviour §4: over https, or over plain HTTP on the registry's own host where that itself is
 * spoken to so. Names are checked when they are resolved (see `addresses.ts`).
 */
function refuseForbidden(url: URL, own: URL): void {
  const isOwnPlain = own.protocol === 'http:' && url.hostname === own.hostname;
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isOwnPlain)) {
    throw new ForbiddenError(`expected https, was sent to ${url.protocol}//${url.host}`);
  }
  if (isLinkLocal(url.hostname)) {
    throw new ForbiddenError(`${url.hostname} is link-local, which is never connected to`);
  }
}

/** undici notices an abort only once the request has a connection: this does at once. */
async function orAborted<T>(pending: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  // Whichever comes second is of no interest any more; undici frees what belongs to it.
  pending.catch(() => undefined);
  try {
    return await Promise.race([pending, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
