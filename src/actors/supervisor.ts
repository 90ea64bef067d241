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
import { leavingChildren, stopsPerTurn } from './leaving-children.ts';
import {
  type CrashHistory,
  decideRestart,
  noCrashes,
  type RestartPolicy,
  vitalWindowMs,
} from './restart.ts';
import type { TimerHeap } from './timer-heap.ts';

/** What a supervisor is asked. Adding a key that is there, or removing one that isn't, does nothing. */
export type SupervisorEvent<TInput> =
  | { readonly type: 'child.add'; readonly key: string; readonly input: TInput }
  | { readonly type: 'child.remove'; readonly key: string };

/** A child that crashed and waits to be started again; shown as `Broken`. */
export interface BrokenChild {
  readonly id: string;
  readonly error: unknown;
  /** Crashes since it last ran well (`steadyMs` in restart.ts). */
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
  /** First part of the children's ids, `<type>:<key>`. */
  readonly type: string;
  /** What each child runs; a function makes it from the key. */
  readonly logic: TLogic | ((key: string) => TLogic);
  /** When a `vital` child crashes too often, the supervisor itself fails with it. */
  readonly policy: RestartPolicy;
  readonly clock: TimerHeap;
  /** Told of each crash: the id of the child and what it threw. */
  readonly onCrash?: (id: string, error: unknown) => void;
  /** Id of a child, also its systemId, when it is not `<type>:<key>`. */
  readonly address?: (key: string) => string;
  /** What a crashed child begins with again, from its last snapshot; what it began with unless told. */
  readonly inherit?: (last: SnapshotFrom<TLogic>) => InputFrom<TLogic>;
}

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
 * whatever their number, and one that crashes takes no sibling along (docs/adr/0002). A machine
 * that ends in its top-level `Broken` has crashed; any other end is the end of its life.
 */
export function supervise<TLogic extends AnyActorLogic>(
  options: SuperviseOptions<TLogic>,
): SupervisorLogic<TLogic> {
  const supervisor = new Supervisor(options);
  return {
    getInitialSnapshot: () => initialState<TLogic>() as unknown as Snap<TLogic>,
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

function initialState<TLogic extends AnyActorLogic>(): State<TLogic> {
  return {
    status: 'active',
    output: undefined,
    error: undefined,
    children: new Map(),
    broken: new Map(),
    records: new Map(),
    keys: new Map(),
  };
}

class Supervisor<TLogic extends AnyActorLogic> {
  readonly #options: SuperviseOptions<TLogic>;
  readonly #leaving = leavingChildren();

  constructor(options: SuperviseOptions<TLogic>) {
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
        return { ...state, status: 'stopped' } as State<TLogic>;
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
    return this.#options.address?.(key) ?? `${this.#options.type}:${key}`;
  }

  #start(state: State<TLogic>, child: Child<InputFrom<TLogic>>, scope: Scope<TLogic>): void {
    const { logic, clock } = this.#options;
    const id = this.#address(child.key);
    const childLogic: AnyActorLogic = typeof logic === 'function' ? logic(child.key) : logic;
    child.startedMs = clock.now();
    const parent = scope.self;
    this.#leaving.stopNow(child.key);
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
    for (const key of state.broken.keys()) state.records.get(key)?.cancelRestart?.();
    this.#leaving.add(state.children, scope.stopChild);
    for (const each of [state.records, state.children, state.broken, state.keys]) each.clear();
  }

  /** What XState says about children; anything else is dropped, as machines do. */
  #hear(state: State<TLogic>, event: Incoming<TLogic>, scope: Scope<TLogic>): void {
    if (!('actorId' in event)) return;
    const child = state.records.get(state.keys.get(event.actorId) ?? '');
    const actor = child && state.children.get(child.key);
    if (child === undefined || actor === undefined) return;
    const thrown = event.type.startsWith('xstate.error.') ? { error: event.error } : undefined;
    const crash = thrown ?? readBug(actor.getSnapshot());
    if (crash === undefined) this.#forget(state, child.key);
    else this.#crash(state, { child, actor, error: crash.error }, scope);
  }

  #crash(
    state: State<TLogic>,
    {
      child,
      actor,
      error,
    }: { child: Child<InputFrom<TLogic>>; actor: AnyActorRef; error: unknown },
    scope: Scope<TLogic>,
  ): void {
    const { policy, clock, onCrash, inherit } = this.#options;
    const { key, startedMs, history } = child;
    if (inherit !== undefined) child.input = inherit(actor.getSnapshot());
    const nowMs = clock.now();
    const decision = decideRestart(policy, history, { startedMs, nowMs });
    child.history = decision.history;
    state.children.delete(key);
    stopOrphans(actor.getSnapshot());
    onCrash?.(this.#address(key), error);
    if (decision.kind === 'now') {
      this.#start(state, child, scope);
    } else if (decision.kind === 'later') {
      const { delayMs } = decision;
      const { crashes } = decision.history;
      state.broken.set(key, {
        ...{ id: this.#address(key), error, crashes, input: child.input },
        retryAtMs: nowMs + delayMs,
      });
      const restart: Incoming<TLogic> = { type: 'self.restart', key };
      child.cancelRestart = clock.after(delayMs, () => scope.self.send(restart as never));
    } else {
      this.#stopAll(state, scope);
      const often = `crashed once more after restarts within ${vitalWindowMs / 1_000} s`;
      throw new Error(`${this.#address(key)} ${often}`, { cause: error });
    }
  }
}

/** Why a machine ended in its top-level, final `Broken`; undefined when it ended elsewhere. */
function readBug(snapshot: Snapshot<unknown>): { readonly error: Error } | undefined {
  if (!('value' in snapshot) || snapshot.value !== 'Broken') return undefined;
  const context = 'context' in snapshot ? snapshot.context : undefined;
  const bug = typeof context === 'object' && context !== null && 'bug' in context && context.bug;
  return { error: new Error(typeof bug === 'string' ? bug : 'The machine ended in Broken.') };
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
