import type { ApiCall, KubeClient } from './client.ts';
import { type ApiFailure, connectionFailure, statusFailure } from './failures.ts';

/** An object of a list or a watch, before it is cut down. */
export interface ListedObject {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly resourceVersion?: string;
  };
  readonly [field: string]: unknown;
}

/** How a watch ended. */
export type WatchEnd =
  /** The server closed it, as it does every few minutes; go on from the last version. */
  | { readonly kind: 'closed' }
  /** The version is too old (410): only a list tells what happened since. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'failed'; readonly failure: ApiFailure };

/** One watch from one version on. */
export interface WatchOptions {
  readonly path: string;
  readonly query: NonNullable<ApiCall['query']>;
  readonly signal: AbortSignal;
  readonly silenceMs?: number;
  readonly onOpen: () => void;
  /** `ADDED`, `MODIFIED`, `DELETED` or `BOOKMARK`. */
  readonly onEvent: (type: string, object: ListedObject) => void;
}

/** Three bookmarks missed: the connection is dead although nobody said so. */
const silenceMsDefault = 180_000;
/** A watch is answered at once, or after the quarter of a minute that it may queue for. */
const openMsMax = 20_000;

/** Reads one watch to its end; whatever ends it is an outcome. */
export async function watchOnce(client: KubeClient, options: WatchOptions): Promise<WatchEnd> {
  const silence = new AbortController();
  const silenceMs = options.silenceMs ?? silenceMsDefault;
  const arm = (ms: number) => setTimeout(() => silence.abort(silent(ms)), ms).unref();
  let timer = arm(Math.min(silenceMs, openMsMax));
  const signal = AbortSignal.any([options.signal, silence.signal]);
  const failedBy = (failure: ApiFailure): WatchEnd =>
    failed(silence.signal.aborted ? (silence.signal.reason as ApiFailure) : failure);
  try {
    const { path, query } = options;
    const opened = await client.stream({ method: 'GET', path, query }, signal);
    if (!opened.ok) return failedBy(opened.error);
    clearTimeout(timer);
    timer = arm(silenceMs);
    options.onOpen();
    for await (const line of untilBroken(opened.value, options.signal)) {
      if (typeof line !== 'string') return failedBy(line);
      timer.refresh();
      const end = takeLine(line, options);
      if (end !== undefined) return end;
    }
    return { kind: 'closed' };
  } finally {
    clearTimeout(timer);
  }
}

/** A stream that breaks ends in why; a listener that throws is a bug and goes on to the supervisor. */
async function* untilBroken(
  lines: AsyncIterable<string>,
  signal: AbortSignal,
): AsyncIterable<string | ApiFailure> {
  try {
    yield* lines;
  } catch (cause) {
    yield connectionFailure(cause, signal);
  }
}

function silent(ms: number): ApiFailure {
  const message = `expected a line or a bookmark within ${ms} ms, none came`;
  return { kind: 'connection', message };
}

function failed(failure: ApiFailure): WatchEnd {
  if (failure.kind === 'status' && failure.code === 410) return { kind: 'expired' };
  return { kind: 'failed', failure };
}

/** Takes one line in; answers with the end of the watch if this line is it. */
function takeLine(line: string, { onEvent }: WatchOptions): WatchEnd | undefined {
  const event = parseLine(line);
  if (event === undefined) {
    const message = `expected a watch event, got ${JSON.stringify(line.slice(0, 100))}`;
    return { kind: 'failed', failure: { kind: 'connection', message } };
  }
  const { type, object } = event;
  if (type === 'ERROR') {
    const code = typeof object['code'] === 'number' ? object['code'] : 500;
    return failed(statusFailure(code, JSON.stringify(object)));
  }
  onEvent(type, object);
  return undefined;
}

function parseLine(line: string): { type: string; object: ListedObject } | undefined {
  try {
    const parsed = JSON.parse(line) as { type?: unknown; object?: unknown };
    if (typeof parsed?.type !== 'string' || typeof parsed.object !== 'object') return undefined;
    return parsed.object === null
      ? undefined
      : { type: parsed.type, object: parsed.object as ListedObject };
  } catch {
    return undefined;
  }
}
