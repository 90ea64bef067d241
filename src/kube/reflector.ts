import { setTimeout as delay } from 'node:timers/promises';
import { fullJitterMs } from '#core/backoff.ts';
import type { KubeClient } from './client.ts';
import type { ApiFailure } from './failures.ts';
import type { StoreWriter } from './store.ts';
import { type ListedObject, type WatchEnd, watchOnce } from './watch.ts';

/** What a reflector is doing: a gauge, and part of readiness. */
export type ReflectorPhase = 'Listing' | 'Watching' | 'BackingOff';

/** One resource and where its slim values go. */
export interface ReflectorOptions<T> {
  readonly client: KubeClient;
  /** Path of the collection, `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly store: StoreWriter<T>;
  /** Cuts an object down before it is kept; `undefined` keeps it out. Throws only on a bug. */
  readonly slim: (object: ListedObject) => T | undefined;
  readonly onPhase?: (phase: ReflectorPhase, detail: string) => void;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Without a line for so long a watch counts as dead; the API server sends bookmarks each minute. */
  readonly silenceMs?: number;
}

/** One page of Pods is then about 2 MB of JSON and 15 ms of parsing. */
const pageObjects = 500;
/** So many objects are taken in before other work gets its turn. */
const objectsPerTurn = 100;
const backoff = { baseMs: 500, capMs: 30_000 };
/** A watch that lived so long was no failure, whatever ended it. */
const steadyMs = 10_000;
/** Retry-After of the API server is kept to, within reason. */
const retryAfterMsMax = 60_000;
/** As long as client-go's: the server ends a watch between 5 and 10 minutes. */
const watchSecondsMin = 300;

/**
 * Lists and watches until `signal` aborts, then resolves. Whatever the API server does is waited
 * out with growing, jittered delays; only a bug rejects.
 */
export async function runReflector<T>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const state: State = { version: undefined, attempt: 0 };
  while (!signal.aborted) {
    const failure = await (state.version === undefined
      ? list(options, state, signal)
      : watch(options, state, signal));
    if (failure === undefined || signal.aborted) continue;
    options.onPhase?.('BackingOff', failure.message);
    await pause(waitAfter(failure, state.attempt, options.random()), signal);
    state.attempt += 1;
  }
}

interface State {
  /** Where a watch goes on; `undefined` when only a list can tell what is there. */
  version: string | undefined;
  /** Failures in a row. */
  attempt: number;
}

interface Trouble {
  readonly message: string;
  readonly retryAfterMs?: number;
}

function waitAfter({ retryAfterMs }: Trouble, attempt: number, random: number): number {
  const jittered = fullJitterMs(attempt, backoff, random);
  return retryAfterMs === undefined
    ? jittered
    : Math.min(retryAfterMs, retryAfterMsMax) + Math.min(jittered, backoff.baseMs * 2);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

interface Page {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items?: readonly ListedObject[];
}

/** Reads the whole list in pages; what it does not name is gone. */
async function list<T>(
  options: ReflectorOptions<T>,
  state: State,
  signal: AbortSignal,
): Promise<Trouble | undefined> {
  options.onPhase?.('Listing', '');
  const listed = new Set<string>();
  let token: string | undefined;
  do {
    const query = { ...options.query, limit: pageObjects, continue: token };
    const page = await options.client.call<Page>(
      { method: 'GET', path: options.path, query },
      signal,
    );
    if (!page.ok) return troubleOf(page.error);
    await takeIn(page.value.items ?? [], options, listed);
    token = page.value.metadata?.continue || undefined;
    if (token === undefined) state.version = page.value.metadata?.resourceVersion;
  } while (token !== undefined);
  options.store.finishList(listed);
  return undefined;
}

async function takeIn<T>(
  items: readonly ListedObject[],
  { store, slim }: ReflectorOptions<T>,
  listed: Set<string>,
): Promise<void> {
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    listed.add(key);
    put(store, key, slim(item));
    // Let admissions through between slices of a long list.
    if ((index + 1) % objectsPerTurn === 0) await new Promise((turn) => setImmediate(turn));
  }
}

async function watch<T>(
  options: ReflectorOptions<T>,
  state: State,
  signal: AbortSignal,
): Promise<Trouble | undefined> {
  const startedMs = performance.now();
  const end = await watchOnce(options.client, {
    path: options.path,
    query: {
      ...options.query,
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: state.version,
      timeoutSeconds: Math.ceil(watchSecondsMin * (1 + options.random())),
    },
    signal,
    ...(options.silenceMs !== undefined && { silenceMs: options.silenceMs }),
    onOpen: () => options.onPhase?.('Watching', ''),
    onEvent: (type, object) => {
      state.version = object.metadata?.resourceVersion ?? state.version;
      if (type === 'BOOKMARK') return;
      const key = keyOf(object);
      if (type === 'DELETED') options.store.remove(key);
      else put(options.store, key, options.slim(object));
    },
  });
  if (performance.now() - startedMs >= steadyMs) state.attempt = 0;
  return afterWatch(end, state);
}

/** What is to be done after a watch: go on, list anew at once, or wait first. */
function afterWatch(end: WatchEnd, state: State): Trouble | undefined {
  if (end.kind === 'closed')
    return end.events > 0 ? undefined : { message: 'the watch was closed' };
  if (end.kind === 'expired') {
    state.version = undefined;
    return undefined;
  }
  return troubleOf(end.failure, state);
}

/** An expired version or page can only be listed anew; 404 is a kind that is not there yet. */
function troubleOf(failure: ApiFailure, state?: State): Trouble {
  const gone = failure.kind === 'status' && (failure.code === 410 || failure.code === 404);
  if (gone && state !== undefined) state.version = undefined;
  const retryAfterMs = failure.kind === 'status' ? failure.retryAfterMs : undefined;
  return { message: failure.message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

function put<T>(store: StoreWriter<T>, key: string, value: T | undefined): void {
  if (value === undefined) store.remove(key);
  else store.put(key, value);
}

/** `namespace/name`, or `name` for cluster-scoped objects. */
function keyOf({ metadata }: ListedObject): string {
  const name = metadata?.name ?? '';
  return metadata?.namespace ? `${metadata.namespace}/${name}` : name;
}
