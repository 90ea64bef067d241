import {
  type ActorLogic,
  type ActorRefFrom,
  type ActorScope,
  type AnyActorLogic,
  type AnyActorRef,
  createActor,
  type InputFrom,
  type Snapshot,
  type SnapshotFrom,
} from 'xstate';
import {
  type CrashHistory,
  decideRestart,
  noCrashes,
  type RestartPolicy,
  vitalWindowMs,
} from '#core/restart.ts';
import { type Runtime, reportCrash } from './runtime.ts';

/** What a supervisor is asked. Adding a key that is there, or removing one that isn't, does nothing. */
export type SupervisorEvent<TInput> =
  | { readonly type: 'child.add'; readonly key: string; readonly input: TInput }
  | { readonly type: 'child.remove'; readonly key: string };

/** A child that crashed and waits to be started again; shown as `Broken`. */
export interface BrokenChild {
  readonly id: string;
  readonly error: unknown;
  /** Crashes since it last ran well (`steadyMs` in core/restart.ts). */
  readonly crashes: number;
  /** On the timer heap's clock, ms. */
  readonly retryAtMs: number;
  /** What it will be started with. */
  readonly input: unknown;
}

/** Who is there: live children by key, crashed ones beside them. The maps change in place. */
export type SupervisorSnapshot<TLogic extends AnyActorLogic> = Snapshot<undefined> & {
  readonly children: ReadonlyMap<string, ActorRefFrom<TLogic>>;
  readonly broken: ReadonlyMap<string, BrokenChild>;
};

/** The logic of a supervisor over children that run `TLogic`. */
export type SupervisorLogic<TLogic extends AnyActorLogic> = ActorLogic<
  SupervisorSnapshot<TLogic>,
  SupervisorEvent<InputFrom<TLogic>>,
  undefined
>;

/** What the supervisor is for. */
export interface SuperviseOptions<TLogic extends AnyActorLogic> {
  /** First part of the children's ids, `<type>:<key>`; empty where a key is an id. */
  readonly type: string;
  /** What each child runs; a function makes it from the key. */
  readonly logic: TLogic | ((key: string) => TLogic);
  /**
   * When a `vital` child crashes too often, the supervisor itself fails with it; a function tells it
   * by the key.
   */
  readonly policy: RestartPolicy | ((key: string) => RestartPolicy);
  /** What a crashed child begins with again, from its last snapshot; what it began with unless told. */
  readonly inherit?: (last: SnapshotFrom<TLogic>) => InputFrom<TLogic>;
}

/** So many are stopped in one turn: about 2 ms; 20,000 at once would hold up admission for 0.4 s. */
export const stopsPerTurn = 100;

interface Child<TInput> {
  readonly key: string;
  input: TInput;
  startedMs: number;
  history: CrashHistory;
  cancelRestart: (() => void) | undefined;
}

type Snap<TLogic extends AnyActorLogic> = SupervisorSnapshot<TLogic>;

/** The snapshot as the supervisor itself sees it. */
type State<TLogic extends AnyActorLogic> = Snapshot<undefined> & {
  readonly children: Map<string, AnyActorRef>;
  readonly broken: Map<string, BrokenChild>;
  readonly records: Map<string, Child<InputFrom<TLogic>>>;
  /** Child id → key, for what XState says about a child. */
  readonly keys: Map<string, string>;
};

type Scope<TLogic extends AnyActorLogic> = ActorScope<
  Snap<TLogic>,
  SupervisorEvent<InputFrom<TLogic>>
>;

/** What arrives beside the public events: XState's own, and what the supervisor tells itself. */
type Incoming<TLogic extends AnyActorLogic> =
  | SupervisorEvent<InputFrom<TLogic>>
  | { readonly type: 'self.restart'; readonly key: string }
  | { readonly type: 'xstate.stop' }
  | {
      readonly type: `xstate.${'done' | 'error'}.actor.${string}`;
      readonly actorId: string;
      readonly error?: unknown;
    };

/**
 * A supervisor as our own ActorLogic over a Map: starting and stopping a child costs the same
 * whatever their number, and one that crashes takes no sibling along (docs/adr/0002). Each crash is
 * told to log and metric.
 */
export function supervise<TLogic extends AnyActorLogic>(
  runtime: Runtime,
  options: SuperviseOptions<TLogic>,
): SupervisorLogic<TLogic> {
  const supervisor = new Supervisor(runtime, options);
  return {
    getInitialSnapshot: () => emptyState<TLogic>('active') as unknown as Snap<TLogic>,
    // Maps are no JSON; children persist through Kubernetes status, if at all.
    getPersistedSnapshot: ({ status }) => ({ status }) as Snapshot<unknown>,
    transition: (snapshot, event, scope) => {
      const state = snapshot as unknown as State<TLogic>;
      return supervisor.transition(
        state,
        event as Incoming<TLogic>,
        scope,
      ) as unknown as typeof snapshot;
    },
  };
}

function emptyState<TLogic extends AnyActorLogic>(status: 'active' | 'stopped'): State<TLogic> {
  const maps = { children: new Map(), broken: new Map(), records: new Map(), keys: new Map() };
  return { status, output: undefined, error: undefined, ...maps } as State<TLogic>;
}

class Supervisor<TLogic extends AnyActorLogic> {
  readonly #runtime: Runtime;
  readonly #options: SuperviseOptions<TLogic>;
  /** Children of one that was stopped before, which are still to be stopped. */
  readonly #stopping = new Map<string, () => void>();

  constructor(runtime: Runtime, options: SuperviseOptions<TLogic>) {
    this.#runtime = runtime;
    this.#options = options;
  }

  transition(state: State<TLogic>, event: Incoming<TLogic>, scope: Scope<TLogic>): State<TLogic> {
    switch (event.type) {
      case 'child.add':
        this.#add(state, event, scope);
        return state;
      case 'child.remove':
        this.#remove(state, event.key, scope);
        return state;
      case 'self.restart':
        this.#restart(state, event.key, scope);
        return state;
      case 'xstate.stop':
        this.#stopAll(state, scope);
        return emptyState('stopped');
      default:
        this.#hear(state, event, scope);
        return state;
    }
  }

  #add(
    state: State<TLogic>,
    { key, input }: { readonly key: string; readonly input: InputFrom<TLogic> },
    scope: Scope<TLogic>,
  ): void {
    if (state.records.has(key)) return;
    const child = { key, input, startedMs: 0, history: noCrashes, cancelRestart: undefined };
    state.records.set(key, child);
    state.keys.set(this.#address(key), key);
    this.#start(state, child, scope);
  }

  #address(key: string): string {
    const { type } = this.#options;
    return type === '' ? key : `${type}:${key}`;
  }

  #start(state: State<TLogic>, child: Child<InputFrom<TLogic>>, scope: Scope<TLogic>): void {
    const { logic } = this.#options;
    const id = this.#address(child.key);
    const childLogic: AnyActorLogic = typeof logic === 'function' ? logic(child.key) : logic;
    child.startedMs = this.#runtime.clock.now();
    // Its id is taken for as long as one of that name is still to be stopped.
    this.#stopping.get(child.key)?.();
    const parent = scope.self;
    const actor = createActor(childLogic, { id, systemId: id, parent, input: child.input });
    state.broken.delete(child.key);
    state.children.set(child.key, actor);
    actor.start();
  }

  #restart(state: State<TLogic>, key: string, scope: Scope<TLogic>): void {
    const child = state.records.get(key);
    if (child === undefined || state.children.has(key)) return;
    child.cancelRestart = undefined;
    this.#start(state, child, scope);
  }

  #remove(state: State<TLogic>, key: string, scope: Scope<TLogic>): void {
    const actor = state.children.get(key);
    this.#forget(state, key);
    if (actor !== undefined) scope.stopChild(actor);
  }

  #forget(state: State<TLogic>, key: string): void {
    state.records.get(key)?.cancelRestart?.();
    state.records.delete(key);
    state.keys.delete(this.#address(key));
    state.children.delete(key);
    state.broken.delete(key);
  }

  /** What was started last may rely on what was there before it, so it goes first. */
  #stopAll(state: State<TLogic>, scope: Scope<TLogic>): void {
    const keys = [...state.records.keys()].reverse();
    for (const key of keys.slice(0, stopsPerTurn)) this.#remove(state, key, scope);
    for (const { cancelRestart } of state.records.values()) cancelRestart?.();
    for (const [key, actor] of state.children) {
      this.#stopping.set(key, () => {
        this.#stopping.delete(key);
        scope.stopChild(actor);
      });
    }
    if (this.#stopping.size > 0) setImmediate(this.#stopSlice);
  }

  readonly #stopSlice = (): void => {
    let stopped = 0;
    for (const stop of this.#stopping.values()) {
      stop();
      stopped += 1;
      if (stopped === stopsPerTurn) break;
    }
    if (this.#stopping.size > 0) setImmediate(this.#stopSlice);
  };

  /** What XState says about children; anything else is dropped, as machines do. */
  #hear(state: State<TLogic>, event: Incoming<TLogic>, scope: Scope<TLogic>): void {
    if (!('actorId' in event)) return;
    const child = state.records.get(state.keys.get(event.actorId) ?? '');
    if (child === undefined || !state.children.has(child.key)) return;
    if (event.type.startsWith('xstate.error.')) this.#crash(state, { child, ...event }, scope);
    else this.#forget(state, child.key);
  }

  #crash(
    state: State<TLogic>,
    { child, error }: { readonly child: Child<InputFrom<TLogic>>; readonly error?: unknown },
    scope: Scope<TLogic>,
  ): void {
    const { key, startedMs, history } = child;
    const { clock } = this.#runtime;
    const id = this.#address(key);
    const snapshot = state.children.get(key)?.getSnapshot();
    if (this.#options.inherit !== undefined) child.input = this.#options.inherit(snapshot);
    const nowMs = clock.now();
    const { policy } = this.#options;
    const keyPolicy = typeof policy === 'function' ? policy(key) : policy;
    const decision = decideRestart(keyPolicy, history, { startedMs, nowMs });
    child.history = decision.history;
    state.children.delete(key);
    stopOrphans(snapshot);
    reportCrash(this.#runtime, id, error);
    if (decision.kind === 'now') {
      this.#start(state, child, scope);
    } else if (decision.kind === 'later') {
      const { delayMs } = decision;
      const { crashes } = decision.history;
      const retryAtMs = nowMs + delayMs;
      state.broken.set(key, { id, error, crashes, input: child.input, retryAtMs });
      const restart: Incoming<TLogic> = { type: 'self.restart', key };
      child.cancelRestart = clock.after(delayMs, () => scope.self.send(restart as never));
    } else {
      this.#stopAll(state, scope);
      const often = `crashed once more after restarts within ${vitalWindowMs / 1_000} s`;
      throw new Error(`${id} ${often}`, { cause: error });
    }
  }
}

/**
 * An actor that throws leaves what it invoked running (xstate `Actor._stopProcedure`), and only a
 * parent may stop a child: so they are told what a parent would tell them.
 */
function stopOrphans(snapshot: Snapshot<unknown>): void {
  if (!('children' in snapshot)) return;
  const children = snapshot.children as Map<string, AnyActorRef> | Record<string, AnyActorRef>;
  const orphans = children instanceof Map ? children.values() : Object.values(children);
  for (const orphan of orphans) orphan?.send({ type: 'xstate.stop' });
}
