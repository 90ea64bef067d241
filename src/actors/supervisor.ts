import {
  type ActorLogic,
  type ActorRefFrom,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyActorScope,
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
  /** Told of each child that was started, again after a crash too: who follows it follows anew. */
  readonly started?: (key: string, child: ActorRefFrom<TLogic>) => void;
}

/** So many are stopped in one turn: about 2 ms; 20,000 at once would hold up admission for 0.4 s. */
export const stopsPerTurn = 100;

interface Child {
  readonly key: string;
  input: unknown;
  startedMs: number;
  history: CrashHistory;
  cancelRestart: (() => void) | undefined;
}

/** What arrives beside the public events: XState's own, and what the supervisor tells itself. */
type Incoming =
  | SupervisorEvent<unknown>
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
  const means = { runtime, options, stopping: new StopQueue() };
  return {
    getInitialSnapshot: (scope) =>
      new Supervisor(means, scope) as unknown as SupervisorSnapshot<TLogic>,
    // Maps are no JSON; children persist through Kubernetes status, if at all.
    getPersistedSnapshot: ({ status }) => ({ status }) as Snapshot<unknown>,
    transition: (snapshot, event) => {
      (snapshot as unknown as Supervisor).take(event as Incoming);
      return snapshot;
    },
  };
}

/** What every run of a supervisor shares. */
interface Means {
  readonly runtime: Runtime;
  readonly options: SuperviseOptions<AnyActorLogic>;
  readonly stopping: StopQueue;
}

/** One run of a supervisor, which is its own snapshot. */
class Supervisor {
  status: 'active' | 'stopped' = 'active';
  readonly output = undefined;
  readonly error = undefined;
  readonly children = new Map<string, AnyActorRef>();
  readonly broken = new Map<string, BrokenChild>();
  readonly #records = new Map<string, Child>();
  readonly #means: Means;
  readonly #scope: AnyActorScope;

  constructor(means: Means, scope: AnyActorScope) {
    this.#means = means;
    this.#scope = scope;
  }

  take(event: Incoming): void {
    switch (event.type) {
      case 'child.add':
        this.#add(event.key, event.input);
        break;
      case 'child.remove':
        this.#remove(event.key);
        break;
      case 'self.restart':
        this.#restart(event.key);
        break;
      case 'xstate.stop':
        this.#stopAll();
        break;
      default:
        this.#hear(event);
    }
  }

  #add(key: string, input: unknown): void {
    if (this.#records.has(key)) return;
    const child = { key, input, startedMs: 0, history: noCrashes, cancelRestart: undefined };
    this.#records.set(key, child);
    this.#start(child);
  }

  get #prefix(): string {
    const { type } = this.#means.options;
    return type === '' ? '' : `${type}:`;
  }

  #start(child: Child): void {
    const { runtime, options, stopping } = this.#means;
    const { key, input } = child;
    const id = `${this.#prefix}${key}`;
    const logic = typeof options.logic === 'function' ? options.logic(key) : options.logic;
    child.startedMs = runtime.clock.now();
    // Its id is taken for as long as one of that name is still to be stopped.
    stopping.stop(key);
    const actor = createActor(logic, { id, systemId: id, parent: this.#scope.self, input });
    this.broken.delete(key);
    this.children.set(key, actor);
    actor.start();
    options.started?.(key, actor);
  }

  #restart(key: string): void {
    const child = this.#records.get(key);
    if (child === undefined || this.children.has(key)) return;
    child.cancelRestart = undefined;
    this.#start(child);
  }

  #remove(key: string): void {
    const actor = this.children.get(key);
    this.#forget(key);
    if (actor !== undefined) this.#scope.stopChild(actor);
  }

  #forget(key: string): void {
    this.#records.get(key)?.cancelRestart?.();
    this.#records.delete(key);
    this.children.delete(key);
    this.broken.delete(key);
  }

  /** What was started last may rely on what was there before it, so it goes first. */
  #stopAll(): void {
    const { stopping } = this.#means;
    for (const key of [...this.#records.keys()].reverse()) {
      const actor = this.children.get(key);
      this.#forget(key);
      if (actor !== undefined) stopping.put(key, () => this.#scope.stopChild(actor));
    }
    this.status = 'stopped';
    stopping.takeTurn();
  }

  /** What XState says about children; anything else is dropped, as machines do. */
  #hear(event: Incoming): void {
    if (!('actorId' in event)) return;
    const child = this.#records.get(event.actorId.slice(this.#prefix.length));
    if (child === undefined || this.children.get(child.key)?.id !== event.actorId) return;
    if (event.type.startsWith('xstate.error.')) this.#crash(child, event.error);
    else this.#forget(child.key);
  }

  #crash(child: Child, error: unknown): void {
    const { key, startedMs, history } = child;
    const { runtime, options } = this.#means;
    const { policy, inherit } = options;
    const id = `${this.#prefix}${key}`;
    const snapshot = this.children.get(key)?.getSnapshot();
    if (inherit !== undefined) child.input = inherit(snapshot);
    const nowMs = runtime.clock.now();
    const keyPolicy = typeof policy === 'function' ? policy(key) : policy;
    const decision = decideRestart(keyPolicy, history, { startedMs, nowMs });
    child.history = decision.history;
    this.children.delete(key);
    stopOrphans(snapshot);
    reportCrash(runtime, id, error);
    if (decision.kind === 'now') {
      this.#start(child);
    } else if (decision.kind === 'later') {
      const { delayMs } = decision;
      const { crashes } = decision.history;
      const retryAtMs = nowMs + delayMs;
      this.broken.set(key, { id, error, crashes, input: child.input, retryAtMs });
      const restart: Incoming = { type: 'self.restart', key };
      child.cancelRestart = runtime.clock.after(delayMs, () => this.#scope.self.send(restart));
    } else {
      this.#stopAll();
      const often = `crashed once more after restarts within ${vitalWindowMs / 1_000} s`;
      throw new Error(`${id} ${often}`, { cause: error });
    }
  }
}

/** Children of supervisors that were stopped, which are still to be stopped themselves. */
class StopQueue {
  readonly #stops = new Map<string, () => void>();

  put(key: string, stop: () => void): void {
    this.#stops.set(key, stop);
  }

  stop(key: string): void {
    const stop = this.#stops.get(key);
    this.#stops.delete(key);
    stop?.();
  }

  readonly takeTurn = (): void => {
    for (const key of this.#stops.keys().take(stopsPerTurn)) this.stop(key);
    if (this.#stops.size > 0) setImmediate(this.takeTurn);
  };
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
