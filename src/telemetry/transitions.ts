import { isDeepStrictEqual } from 'node:util';
import type { AnyActorRef, InspectionEvent, Snapshot } from 'xstate';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { SortedIds } from './sorted-ids.ts';
import { statesOf } from './states.ts';

/** One change of an actor's states. */
export interface Transition {
  /** Wall time, ms since the epoch. */
  readonly atMs: number;
  /** Type of the event that brought it about. */
  readonly event: string;
  readonly from: readonly string[];
  readonly to: readonly string[];
}

/** What is known about one observed actor. */
export interface ObservedActor {
  readonly states: readonly string[];
  /** Wall time, ms, when it entered these states. */
  readonly sinceMs: number;
  /** Monotonic time, ms, when it last took an event, whether that changed its states or not. */
  readonly heardMs: number;
  /** The last transitions, newest last. */
  readonly transitions: readonly Transition[];
}

/** So many transitions are kept an actor: enough for one trouble, and half a kilobyte. */
export const ringSize = 8;
/** Crashed actors whose past is kept until they come back; the oldest are forgotten first. */
const crashedMax = 1_000;

/** Where an actor that crashed stands until its supervisor starts it again. */
const broken: readonly string[] = ['Broken'];

interface ObserverOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Wall time in ms. */
  readonly now: () => number;
  /** Monotonic time in ms. */
  readonly clock: { readonly now: () => number };
}

interface Entry {
  states: readonly string[];
  sinceMs: number;
  heardMs: number;
  ring: readonly Transition[];
  /** The actor that runs under this id now: what a predecessor still says is passed over. */
  sessionId: string;
}

/**
 * The one observer of the actor system: feeds log and metrics, and keeps the last transitions of every
 * actor. It knows actors by their systemId and passes over effects, which have none.
 */
export class TransitionObserver {
  readonly #options: ObserverOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #sorted = new SortedIds();
  /** Ids of crashed actors, oldest first. */
  readonly #crashed = new Set<string>();

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  /** Hand this to `createActor(root, { inspect })`. */
  readonly inspect = (event: InspectionEvent): void => {
    try {
      this.#see(event);
    } catch (error) {
      // XState would let it escape in the middle of a transition: an observer must not do harm.
      this.#options.log.error({ err: error }, 'the observer of transitions failed');
    }
  };

  /** What is known of an actor by its id. */
  get(id: string): ObservedActor | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const { states, sinceMs, heardMs, ring: transitions } = entry;
    return { states, sinceMs, heardMs, transitions };
  }

  /** Ids of all that are observed, those that crashed and wait to be restarted too. */
  ids(): Iterable<string> {
    return this.#entries.keys();
  }

  /** The same ids, sorted. */
  get sorted(): Pick<SortedIds, 'size' | 'rank' | 'at' | 'from'> {
    return this.#sorted;
  }

  /** Ids of those that crashed and wait to be started again, oldest first. */
  crashed(): Iterable<string> {
    return this.#crashed;
  }

  #see(event: InspectionEvent): void {
    if (event.type === '@xstate.snapshot') {
      this.#seeSnapshot(event.actorRef as AnyActorRef, event.snapshot, event.event.type);
    } else if (event.type === '@xstate.event') {
      const { type } = event.event;
      if (type.startsWith('xstate.error.actor.')) {
        this.#seeCrash(event.sourceRef as AnyActorRef | undefined, type);
      } else if (type === 'child.remove') this.#seeRemoval(event.event['key']);
    }
  }

  /** A crashed actor says nothing when its supervisor is told to give it up. */
  #seeRemoval(key: unknown): void {
    for (const id of this.#crashed) {
      if (id === key || id.endsWith(`:${key}`)) this.#drop(id);
    }
  }

  #seeSnapshot(actor: AnyActorRef, snapshot: Snapshot<unknown>, event: string): void {
    const id = readSystemId(actor);
    if (id === undefined) return;
    if (snapshot.status === 'stopped') {
      this.#forget(id, actor.sessionId);
      return;
    }
    // A crash is seen as the event that tells the parent.
    if (snapshot.status === 'error') return;
    this.#change(id, { sessionId: actor.sessionId, event, to: statesOf(snapshot) });
    if (snapshot.status === 'done') this.#forget(id, actor.sessionId);
  }

  #seeCrash(actor: AnyActorRef | undefined, event: string): void {
    const id = actor && readSystemId(actor);
    if (actor === undefined || id === undefined) return;
    this.#change(id, { sessionId: actor.sessionId, event, to: broken });
    this.#keepCrashed(id);
  }

  #change(
    id: string,
    { sessionId, event, to }: { sessionId: string; event: string; to: readonly string[] },
  ): void {
    const entry = this.#entries.get(id);
    const from = entry?.states ?? [];
    const heardMs = this.#options.clock.now();
    if (entry !== undefined && entry.sessionId === sessionId && isDeepStrictEqual(from, to)) {
      entry.heardMs = heardMs;
      return;
    }
    if (entry !== undefined && entry.sessionId !== sessionId) this.#crashed.delete(id);
    const transition = { atMs: this.#options.now(), event: internEvent(event), from, to };
    // No spread: an array that grows by it has room for sixteen more, and there are thousands.
    if (entry === undefined) this.#sorted.add(id);
    const ring = (entry?.ring ?? []).slice(1 - ringSize).concat(transition);
    this.#entries.set(id, { states: to, sinceMs: transition.atMs, heardMs, ring, sessionId });
    this.#options.metrics.actorStates(readType(id), entry?.states, to);
    this.#options.log.debug({ actor: id, event, from, to }, 'transition');
    this.#tellOutage(id, from, to);
  }

  /** What a person must hear of: a registry that is set aside for good, and one that is back. */
  #tellOutage(id: string, from: readonly string[], to: readonly string[]): void {
    if (readType(id) !== 'registry' || isDown(from) === isDown(to)) return;
    const { log } = this.#options;
    const registry = id.slice('registry:'.length);
    if (isDown(to)) log.warn({ registry }, 'a registry does not answer; it is set aside');
    else if (to.includes('reachability.Closed')) log.info({ registry }, 'a registry answers again');
  }

  #keepCrashed(id: string): void {
    this.#crashed.add(id);
    if (this.#crashed.size <= crashedMax) return;
    for (const oldest of this.#crashed) {
      this.#drop(oldest);
      break;
    }
  }

  #forget(id: string, sessionId: string): void {
    if (this.#entries.get(id)?.sessionId === sessionId) this.#drop(id);
  }

  #drop(id: string): void {
    const entry = this.#entries.get(id);
    this.#crashed.delete(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    this.#sorted.delete(id);
    this.#options.metrics.actorStates(readType(id), entry.states, undefined);
  }
}

/**
 * XState makes the name of each `done` event anew, and thousands of transitions remember one. Charts
 * bound the number of names; the limit only guards against events that are made up.
 */
const internedEvents = new Map<string, string>();
const internedEventsMax = 1_000;

function internEvent(event: string): string {
  const known = internedEvents.get(event);
  if (known !== undefined) return known;
  if (internedEvents.size < internedEventsMax) internedEvents.set(event, event);
  return event;
}

function readSystemId(actor: AnyActorRef): string | undefined {
  return (actor as { readonly systemId?: string }).systemId;
}

/** The first part of an actor's id, `registry` of `registry:docker.io`. */
export function readType(id: string): string {
  return id.split(':', 1)[0] ?? id;
}

/** Its circuit is open: one that is only suspected may yet answer. */
function isDown(states: readonly string[]): boolean {
  return states.includes('reachability.Open') || states.includes('reachability.HalfOpen');
}
