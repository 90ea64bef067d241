import { setTimeout as delay } from 'node:timers/promises';
import { fullJitterMs } from '#core/backoff.ts';
import type { KubeClient } from './client.ts';
import { type ApiFailure, hasCode } from './failures.ts';
import { listPages } from './list-pages.ts';
import { isAway } from './reachability.ts';
import { isServed } from './served.ts';
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
  /** Cuts an object down before it is kept; `undefined` keeps it out. */
  readonly slim: (object: ListedObject) => T | undefined;
  /** Told of an object that `slim` threw at: it is left out, and all others go on. */
  readonly onUnfit?: (key: string, error: unknown) => void;
  /**
   * Said again with every page and every bookmark, so that silence means that nothing goes on. With
   * `BackingOff` goes why, and the status where the API server itself refused.
   */
  readonly onPhase?: (phase: ReflectorPhase, detail: string, code?: number) => void;
  /** From 0 to 1. */
  readonly random: () => number;
  /** Objects asked for at once; fewer where each is large. */
  readonly pageObjects?: number;
  /** Without a line for so long a watch counts as dead; the API server sends bookmarks each minute. */
  readonly silenceMs?: number;
  /** After so long, or up to twice that, the server ends a watch, and the next one is opened. */
  readonly watchSeconds?: number;
}

/** One page of Pods is then about 2 MB of JSON and 15 ms of parsing. */
const pageObjectsDefault = 500;
/** So many objects are taken in before other work gets its turn. */
const objectsPerTurn = 100;
const backoff = { baseMs: 500, capMs: 30_000 };
/** What the roles leave out: each try is a line in an audit log, and no haste brings the right. */
const refusedBackoff = { baseMs: 500, capMs: 120_000 };
/** A watch that lived so long was no failure, whatever ended it. */
const steadyMs = 10_000;
/** Retry-After of the API server is kept to, within reason. */
const retryAfterMsMax = 60_000;
/** As long as client-go's: the server ends a watch between 5 and 10 minutes. */
const watchSecondsDefault = 300;

/**
 * Lists and watches until `signal` aborts, then resolves. Whatever the API server does is waited
 * out with growing, jittered delays; only a bug rejects.
 */
export async function runReflector<T>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const state: State = { version: undefined, lists: 0, watches: 0 };
  while (!signal.aborted) {
    const trouble = await (state.version === undefined
      ? list(options, state, signal)
      : watch(options, state, signal));
    if (trouble === undefined || signal.aborted) continue;
    options.onPhase?.('BackingOff', trouble.message, trouble.code);
    await pause(waitAfter(trouble, options.random()), signal);
  }
}

interface State {
  /** Where a watch goes on; `undefined` when only a list can tell what is there. */
  version: string | undefined;
  /** Lists in a row that failed. */
  lists: number;
  /** Watches in a row that told nothing new; a list in between changes nothing about that. */
  watches: number;
}

interface Trouble {
  readonly message: string;
  /** How often it came in a row before. */
  readonly attempt: number;
  readonly retryAfterMs?: number;
  readonly code?: number;
}

function waitAfter({ attempt, retryAfterMs, code }: Trouble, random: number): number {
  const jittered = fullJitterMs(attempt, code === 403 ? refusedBackoff : backoff, random);
  return retryAfterMs === undefined
    ? jittered
    : Math.min(retryAfterMs, retryAfterMsMax) + Math.min(jittered, backoff.baseMs * 2);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

/** Reads the whole list in pages; what it does not name is gone. */
async function list<T>(
  options: ReflectorOptions<T>,
  state: State,
  signal: AbortSignal,
): Promise<Trouble | undefined> {
  const { client, path, query = {}, pageObjects = pageObjectsDefault } = options;
  options.onPhase?.('Listing', '');
  const listed = new Set<string>();
  let version: string | undefined;
  for await (const page of listPages<ListedObject>(client, { path, query, pageObjects }, signal)) {
    if (!page.ok) {
      await forgetGone(options, page.error, signal);
      return troubleOf(page.error, state.lists++);
    }
    version = page.value.version;
    // An empty list of something in between would forget all that is known.
    if (!version) return { message: 'expected a list with its version', attempt: state.lists++ };
    await takeIn(page.value.items, options, listed);
    options.onPhase?.('Listing', '');
  }
  state.version = version;
  state.lists = 0;
  options.store.finishList(listed);
  return undefined;
}

/** A kind that went while its watch was broken took its objects along: nobody will say so of each. */
async function forgetGone<T>(
  { client, path, store }: ReflectorOptions<T>,
  failure: ApiFailure,
  signal: AbortSignal,
): Promise<void> {
  if (!hasCode(failure, 404) || store.size() === 0) return;
  if ((await isServed(client, path, signal)) === false) store.finishList(new Set());
}

async function takeIn<T>(
  items: readonly ListedObject[],
  options: ReflectorOptions<T>,
  listed: Set<string>,
): Promise<void> {
  for (const [index, item] of items.entries()) {
    listed.add(keyOf(item));
    put(options, item);
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
  const { watchSeconds = watchSecondsDefault } = options;
  const end = await watchOnce(options.client, {
    path: options.path,
    query: {
      ...options.query,
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: state.version,
      timeoutSeconds: Math.ceil(watchSeconds * (1 + options.random())),
    },
    signal,
    ...(options.silenceMs !== undefined && { silenceMs: options.silenceMs }),
    onOpen: () => options.onPhase?.('Watching', ''),
    onEvent: (type, object) => {
      state.version = object.metadata?.resourceVersion ?? state.version;
      state.watches = 0;
      if (type === 'BOOKMARK') options.onPhase?.('Watching', '');
      else if (type === 'DELETED') options.store.remove(keyOf(object));
      else put(options, object);
    },
  });
  if (performance.now() - startedMs >= steadyMs) state.watches = 0;
  return afterWatch(end, state);
}

/** What is to be done after a watch: go on, list anew at once, or wait first. */
function afterWatch(end: WatchEnd, state: State): Trouble | undefined {
  const attempt = state.watches++;
  if (end.kind === 'failed') return troubleOf(end.failure, attempt, state);
  if (end.kind === 'expired') state.version = undefined;
  // Once is how watches end; a server that ends each one as it opens must not be asked in a loop.
  return attempt === 0 ? undefined : { message: `the watch was ${end.kind}`, attempt };
}

/** 404 is a kind that is not there (yet, or any more): only a list finds out when it is back. */
function troubleOf(failure: ApiFailure, attempt: number, state?: State): Trouble {
  const { message } = failure;
  if (failure.kind !== 'status') return { message, attempt };
  if (failure.code === 404 && state !== undefined) state.version = undefined;
  const { retryAfterMs } = failure;
  const code = isAway(failure) ? {} : { code: failure.code };
  return { message, attempt, ...code, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** One object that can't be cut down must not end the watch of all others. */
function put<T>({ store, slim, onUnfit }: ReflectorOptions<T>, object: ListedObject): void {
  const key = keyOf(object);
  let value: T | undefined;
  try {
    value = slim(object);
  } catch (error) {
    onUnfit?.(key, error);
  }
  if (value === undefined) store.remove(key);
  else store.put(key, value);
}

/** `namespace/name`, or `name` for cluster-scoped objects. */
function keyOf({ metadata }: ListedObject): string {
  const name = metadata?.name ?? '';
  return metadata?.namespace ? `${metadata.namespace}/${name}` : name;
}
