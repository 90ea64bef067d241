import type { Dispatcher } from 'undici';
import { fail, type Result, succeed } from '#core/result.ts';
import { type AgentPair, createAgents } from './agents.ts';
import {
  type ApiFailure,
  connectionFailure,
  noSuchObject,
  statusFailure,
  timedOut,
} from './failures.ts';
import type { KubeAccess } from './kube-config.ts';
import { readLines } from './lines.ts';
import { isObjectPath } from './paths.ts';
import { type Reach, watchReachability } from './reachability.ts';

export type { ApiFailure } from './failures.ts';

/** One call to the API server: values in, values out. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the server, `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** `application/json` unless told; `application/apply-patch+yaml` for server-side apply. */
  readonly contentType?: string;
  /** `application/json` unless told; metadata alone, for one. */
  readonly accept?: string;
  /** Told of each warning (RFC 7234 §5.5) that came with the answer. */
  readonly onWarning?: (text: string) => void;
  /** A longer answer is not read to its end: the failure is `oversize`. 16 MiB unless told. */
  readonly answerBytesMax?: number;
}

/** The API server over one shared, kept-alive Agent. */
export interface KubeClient {
  /** One call; the answer is parsed JSON. */
  readonly call: <T>(call: ApiCall, signal: AbortSignal) => Promise<Result<T, ApiFailure>>;
  /** An open watch: lines of JSON as they come; ends when the server closes it. */
  readonly stream: (
    call: ApiCall,
    signal: AbortSignal,
  ) => Promise<Result<AsyncIterable<string>, ApiFailure>>;
  readonly server: string;
  readonly close: () => Promise<void>;
}

/** What a client is made with. */
export interface KubeClientOptions {
  readonly access: KubeAccess;
  /** Told of each answer: the method, and `ok` or the failure's kind with its code. */
  readonly onAnswer?: (method: string, outcome: string) => void;
  /** Told when the API server goes away, and when it answers again. */
  readonly onReach?: (reach: Reach) => void;
  /** The clock by which credentials are read again; `performance.now` unless told. */
  readonly monotonicMs?: () => number;
}

/** etcd holds no object above 1.5 MiB, and JSON writes some bytes of a text as six characters. */
export const objectBytesMax = 16 * 1024 * 1024;
/** A Status is short; more is no Status. */
const statusBytesMax = 64 * 1024;
/** The API server itself gives up on a call after a minute. */
const answerTimeoutMs = 60_000;

/** Makes the client; nothing is sent before the first call. The caller closes it. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const { access, onAnswer, onReach, monotonicMs = () => performance.now() } = options;
  const agents = createAgents(access, monotonicMs);
  const reached = watchReachability((reach) => onReach?.(reach));
  const counted = <T>(method: string, result: Result<T, ApiFailure>) => {
    onAnswer?.(method, result.ok ? 'ok' : outcomeOf(result.error));
    reached(result.ok ? undefined : result.error);
    return result;
  };
  return {
    server: access.server,
    call: async <T>(call: ApiCall, signal: AbortSignal) => {
      if (!isObjectPath(call.path)) return fail(noSuchObject(call.path));
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(timedOut()), answerTimeoutMs).unref();
      const bounded = AbortSignal.any([signal, late.signal]);
      try {
        const answer = await send(agents, { call, kind: 'call', signal: bounded });
        return counted(call.method, await parse<T>(answer, call, bounded));
      } finally {
        // Not AbortSignal.timeout, which would live on for a minute after each call.
        clearTimeout(timer);
      }
    },
    stream: async (call, signal) => {
      if (!isObjectPath(call.path)) return fail(noSuchObject(call.path));
      const answer = await send(agents, { call, kind: 'watch', signal });
      if (!answer.ok) return counted('WATCH', answer);
      const { statusCode, body } = answer.value;
      if (statusCode !== 200) return counted('WATCH', await refusal(answer.value));
      return counted('WATCH', succeed(readLines(body, objectBytesMax)));
    },
    close: agents.close,
  };
}

function outcomeOf(failure: ApiFailure): string {
  return failure.kind === 'status' ? String(failure.code) : failure.kind;
}

interface Sending {
  readonly call: ApiCall;
  readonly kind: keyof AgentPair;
  readonly signal: AbortSignal;
}

/** Sends once; a 401 renews credentials and sends once more, since tokens rotate. */
async function send(
  agents: ReturnType<typeof createAgents>,
  sending: Sending,
): Promise<Result<Dispatcher.ResponseData, ApiFailure>> {
  const first = await sendOnce(agents, sending);
  if (!first.ok || first.value.statusCode !== 401) return first;
  const renewed = await agents.renew().then(
    () => true,
    () => false,
  );
  // Without other credentials the refusal stands, and says more than why none were found.
  if (!renewed) return first;
  await first.value.body.dump().catch(() => undefined);
  return await sendOnce(agents, sending);
}

async function sendOnce(
  agents: ReturnType<typeof createAgents>,
  { call, kind, signal }: Sending,
): Promise<Result<Dispatcher.ResponseData, ApiFailure>> {
  try {
    const { pair, server, authorization } = await agents.ready();
    const url = new URL(server + call.path);
    for (const [key, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const answer = await pair[kind].request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: call.method,
      signal,
      headers: {
        accept: call.accept ?? 'application/json',
        'user-agent': 'kuik',
        ...(authorization !== undefined && { authorization }),
        ...(call.body !== undefined && { 'content-type': call.contentType ?? 'application/json' }),
      },
      ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
    });
    return succeed(answer);
  } catch (cause) {
    return fail(connectionFailure(cause, signal));
  }
}

async function parse<T>(
  answer: Result<Dispatcher.ResponseData, ApiFailure>,
  { answerBytesMax: bytesMax = objectBytesMax, onWarning }: ApiCall,
  signal: AbortSignal,
): Promise<Result<T, ApiFailure>> {
  if (!answer.ok) return answer;
  const { statusCode, body, headers } = answer.value;
  if (onWarning !== undefined) for (const text of warningsOf(headers)) onWarning(text);
  if (statusCode >= 300) return await refusal(answer.value);
  try {
    const text = await readText(body, bytesMax);
    if (text !== undefined) return succeed(JSON.parse(text) as T);
    return fail({ kind: 'oversize', message: `expected an answer of at most ${bytesMax} bytes` });
  } catch (cause) {
    return fail(connectionFailure(cause, signal));
  }
}

/** `299 - "text"`, as the API server writes them. */
function warningsOf({ warning = [] }: Dispatcher.ResponseData['headers']): readonly string[] {
  return [warning]
    .flat()
    .map((header) => header.replace(/^\d+ \S+ "|"$/g, '').replaceAll('\\"', '"'));
}

async function refusal(
  answer: Dispatcher.ResponseData,
): Promise<{ readonly ok: false; readonly error: ApiFailure }> {
  const text = await readText(answer.body, statusBytesMax).catch(() => undefined);
  return fail(statusFailure(answer.statusCode, text ?? '', answer.headers));
}

/** The whole body, or undefined as soon as it is longer than that; its connection is closed then. */
async function readText(
  body: Dispatcher.ResponseData['body'],
  bytesMax: number,
): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
