import { setImmediate } from 'node:timers/promises';
import { cutText } from '#core/cut-text.ts';
import {
  ForbiddenError,
  forbidden,
  furthest,
  mayLead,
  writtenZone,
  type Zone,
} from './addresses.ts';
import type { BlockStream } from './block-stream.ts';
import { readBody } from './body.ts';
import type { Connections, ReceivedAnswer } from './connections.ts';
import { type Purpose, USER_AGENT } from './dispatchers.ts';
import { ProtocolError } from './errors.ts';
import type { AnswerHeaders } from './quota.ts';

/** A URL that an answer named, and where the furthest of those was who led to that answer. */
export interface Lead {
  readonly url: URL;
  readonly from: Zone;
}

/** An answer of any status that is no redirect. */
export interface TransportAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: Buffer;
  /** What there is of it in place of `body`, where a transfer asked for it: to be read or ended. */
  readonly blocks?: BlockStream;
  /** False when the body was longer than asked for, or broke off. */
  readonly complete: boolean;
  /** Where it came from, after all redirects. */
  readonly lead: Lead;
  /** True when that is not the registry: its challenges and words are not the registry's. */
  readonly foreign: boolean;
}

/** HEAD and GET read; the others change something, and are never sent on to where a redirect says. */
export type RequestMethod = 'HEAD' | 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A body that is made while it is sent. */
export interface StreamedBody extends AsyncIterable<Buffer> {
  readonly bytes: number;
  /** Some of it is on its way: it cannot be sent a second time. */
  readonly isSpent: boolean;
}

/** What is sent, and on whose behalf. */
export interface ExchangeRequest {
  readonly registry: string;
  readonly method: RequestMethod;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent to the target's own origin only, never to where it redirects. */
  readonly authorization?: string;
  readonly body?: string | Buffer | StreamedBody;
  /** Which connections it takes; a probe's unless told. */
  readonly purpose?: Purpose;
  /** The body of a good answer is handed over in blocks, each of which has so long to come. */
  readonly blocksWithinMs?: number;
  /** How long a transfer waits for the answer to begin; the body of a request is sent before. */
  readonly answerWithinMs?: number;
  /** Bytes of the answer's body that are read; what is beyond costs the connection. */
  readonly bodyBytesMax: number;
  /** Whose look-ups of names this one is counted with: a namespace. */
  readonly share?: string;
  /** Told of each answer, redirects and challenges too, as it comes. */
  readonly onHeard?: () => void;
}

/** How it is sent. */
export interface ExchangeWay {
  readonly request: ExchangeRequest;
  /** Where the registry itself is spoken to, and how near to us it may be. */
  readonly own: URL;
  readonly ownZone: Zone;
  /** The registry itself, or where an answer sent us to. */
  readonly target: URL | Lead;
  readonly connections: Connections;
  readonly signal: AbortSignal;
  /** Told of each answer, redirects too: what fails then is not the registry's silence. */
  readonly onHeard: () => void;
}

/** Redirects of one request, as many as Go's client follows. */
const REDIRECTS_MAX = 10;
const HAS_BLOCKS: ReadonlySet<number> = new Set([200, 206]);
const FOLLOWED_UP: ReadonlySet<number> = new Set([202, 401]);
const READING: ReadonlySet<string> = new Set(['HEAD', 'GET']);
const REDIRECT_STATUS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** What a message shows of a foreign host. */
const PLACE_BYTES_MAX = 120;

/** RFC 9110 §15.4: follows redirects with the same method, the Authorization header left behind. */
export async function exchange(way: ExchangeWay): Promise<TransportAnswer> {
  const { own, request, ownZone, target } = way;
  const start = target instanceof URL ? { url: target } : target;
  let url = withTls(start.url, own);
  let from = 'from' in start ? start.from : undefined;
  const { origin } = url;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const isOwn = url.origin === own.origin;
    const lead = { url, from: isOwn ? ownZone : (from ?? ownZone) };
    const received = await send(way, lead, url.origin === origin);
    from = furthest(from, received.zone);
    const answer = await readAnswer(request, received);
    // undici gives a connection back a turn later: what follows up at once would open another one.
    if (isFollowedUp(way, received)) await setImmediate();
    const location = redirectOf(request, received);
    if (location === undefined) return { ...answer, lead: { url, from }, foreign: !isOwn };
    url = withTls(urlOf(location, url), own);
  }
  throw new ProtocolError(`expected at most ${REDIRECTS_MAX} redirects, got more`);
}

/** Behaviour §4: an `http:` URL on the registry's own host is read as `https:` where that is. */
function withTls(url: URL, own: URL): URL {
  if (url.protocol !== 'http:' || own.protocol !== 'https:' || url.host !== own.host) return url;
  const secured = new URL(url);
  secured.protocol = 'https:';
  return secured;
}

/** One request and the beginning of its answer. */
async function send(way: ExchangeWay, lead: Lead, isTarget: boolean): Promise<ReceivedAnswer> {
  const { request, own, connections, signal, onHeard } = way;
  const { registry, authorization, share, method, body, purpose = 'probe' } = request;
  refuseForbidden(lead, own);
  const pending = connections.request(
    { registry, purpose, ...lead, ...(share !== undefined && { share }) },
    {
      method,
      headers: {
        'user-agent': USER_AGENT,
        ...request.headers,
        ...(isTarget && authorization !== undefined && { authorization }),
        ...(isStreamed(body) && { 'content-length': String(body.bytes) }),
      },
      body: body ?? null,
      signal,
      ...(request.answerWithinMs !== undefined && { headersTimeoutMs: request.answerWithinMs }),
      ...(request.blocksWithinMs !== undefined && { bodyTimeoutMs: request.blocksWithinMs }),
    },
  );
  const received = await orAborted(pending, signal);
  onHeard();
  return received;
}

/**
 * Behaviour §4: over https, or over plain HTTP on the registry's own host where that itself is
 * spoken to so. Names are checked when they are resolved (see `connections.ts`).
 */
function refuseForbidden({ url, from }: Lead, own: URL): void {
  const place = cutText(`${url.protocol}//${url.host}`, PLACE_BYTES_MAX);
  const isOwnPlain = own.protocol === 'http:' && url.hostname === own.hostname;
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isOwnPlain)) {
    throw new ForbiddenError(`expected https, was sent to ${place}`);
  }
  const zone = writtenZone(url.hostname);
  if (zone !== undefined && !mayLead(from, zone)) throw forbidden(place, zone);
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

/** Whether a body is made while it is sent. */
export function isStreamed(body: ExchangeRequest['body']): body is StreamedBody {
  return typeof body === 'object' && 'isSpent' in body;
}

/** A POST carries a secret in its body: wherever it is sent on to, it is not followed. */
function redirectOf(
  { method }: ExchangeRequest,
  { statusCode, headers }: ReceivedAnswer,
): string | undefined {
  const location = [headers['location'] ?? []].flat()[0];
  return REDIRECT_STATUS.has(statusCode) && READING.has(method) ? location : undefined;
}

/** A redirect is, a challenge is answered, an upload begun, and a token is made use of. */
function isFollowedUp({ target }: ExchangeWay, { statusCode }: ReceivedAnswer): boolean {
  return FOLLOWED_UP.has(statusCode) || REDIRECT_STATUS.has(statusCode) || !(target instanceof URL);
}

function urlOf(location: string, base: URL): URL {
  const url = URL.parse(location, base.href);
  if (url === null) throw new ProtocolError('expected a URL to be redirected to, got none');
  return url;
}

/** A redirect's body is read too: its connection can be used again only then. */
async function readAnswer(
  { bodyBytesMax, blocksWithinMs }: ExchangeRequest,
  { statusCode, headers, body, blocks }: ReceivedAnswer,
): Promise<Omit<TransportAnswer, 'lead' | 'foreign'>> {
  if (blocksWithinMs !== undefined && blocks !== undefined && HAS_BLOCKS.has(statusCode)) {
    return { status: statusCode, headers, body: Buffer.alloc(0), complete: false, blocks };
  }
  const read = await readBody(body, { bytesMax: bodyBytesMax, status: statusCode });
  return { status: statusCode, headers, ...read };
}
