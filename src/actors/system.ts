import { type ActorRefFrom, type AnyActorLogic, createActor } from 'xstate';
import { holdsLease, leadershipMachine } from '#machines/leadership.ts';
import { TransitionObserver } from '#telemetry/transitions.ts';
import type { Runtime } from './runtime.ts';
import { type SupervisorLogic, supervise } from './supervisor.ts';

/** One child of the root. */
export interface Service {
  /** The actor's id, `registries`. */
  readonly id: string;
  readonly logic: AnyActorLogic;
  readonly input?: unknown;
}

/** What is known when a term of leading begins. */
export interface Term {
  /**
   * Wall time up to which a leader before this one may have done what it did not record; `unknown`
   * without an election.
   */
  readonly unrecordedUntilMs: number | 'unknown' | undefined;
}

/** The tree of actors: it comes first, and features add themselves to it. */
export interface KuikSystem {
  readonly runtime: Runtime;
  readonly root: ActorRefFrom<SupervisorLogic<AnyActorLogic>>;
  readonly observer: TransitionObserver;
  /**
   * Adds a child that every replica runs, in the order of adding; the process cannot live without
   * it, and ends when it crashes again and again.
   */
  readonly always: (service: Service) => void;
  /**
   * Adds a child that runs while this process leads; stopped in the reverse order of adding. One that
   * crashes is restarted for ever: reviews go on without it.
   */
  readonly whileLeading: (service: Service) => void;
  /** A running child of the root; after a crash it is another one. */
  readonly find: <TLogic extends AnyActorLogic>(id: string) => ActorRefFrom<TLogic> | undefined;
  readonly start: () => void;
  /** Begins a term: what only a leader runs is built. */
  readonly lead: (term: Term) => void;
  /** Ends the term, if there is one: what only a leader runs is torn down. */
  readonly follow: () => void;
  /** The present term; undefined where this process does not lead. */
  readonly term: () => Term | undefined;
  /** Whether this process leads and its Lease was renewed within the deadline. */
  readonly leads: () => boolean;
  /** Who holds the Lease as far as is known; null without an election or a holder. */
  readonly leader: () => string | null;
  /** Stops all actors. */
  readonly stop: () => void;
  /** Resolves when a service crashed too often: the process must end non-zero. */
  readonly failed: Promise<Error>;
}

/** The root's id and systemId. */
export const rootId = 'kuik';

/** Makes the root of the tree in docs/architecture.md; nothing runs before `start`. */
export function createSystem(runtime: Runtime): KuikSystem {
  return new ActorTree(runtime);
}

class ActorTree implements KuikSystem {
  readonly runtime: Runtime;
  readonly root: KuikSystem['root'];
  readonly observer: TransitionObserver;
  readonly failed: Promise<Error>;
  readonly #logics = new Map<string, AnyActorLogic>();
  readonly #always: Service[] = [];
  readonly #whileLeading: Service[] = [];
  #term: Term | undefined;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    this.observer = new TransitionObserver(runtime);
    const children = supervise<AnyActorLogic>(runtime, {
      type: '',
      logic: (id) => this.#logicOf(id),
      policy: (id) => (this.#always.some((service) => service.id === id) ? 'vital' : 'object'),
    });
    const { inspect } = this.observer;
    const address = { id: rootId, systemId: rootId };
    this.root = createActor(children, { ...address, clock: runtime.clock, inspect });
    this.failed = new Promise((resolve) => {
      this.root.subscribe({
        error: (error) => resolve(error instanceof Error ? error : new Error(String(error))),
      });
    });
  }

  readonly always = (service: Service): void => {
    this.#logics.set(service.id, service.logic);
    this.#always.push(service);
  };

  readonly whileLeading = (service: Service): void => {
    this.#logics.set(service.id, service.logic);
    this.#whileLeading.push(service);
  };

  readonly find = <TLogic extends AnyActorLogic>(id: string): ActorRefFrom<TLogic> | undefined =>
    this.root.getSnapshot().children.get(id) as ActorRefFrom<TLogic> | undefined;

  readonly start = (): void => {
    this.root.start();
    for (const service of this.#always) this.#add(service);
  };

  readonly lead = (term: Term): void => {
    this.#term = term;
    this.runtime.metrics.setLeader(true);
    this.runtime.log.info('this process leads');
    for (const service of this.#whileLeading) this.#add(service);
  };

  readonly follow = (): void => {
    if (this.#term === undefined) return;
    this.#term = undefined;
    this.runtime.metrics.setLeader(false);
    this.runtime.log.info('this process does not lead');
    for (const { id } of this.#whileLeading.toReversed()) {
      this.root.send({ type: 'child.remove', key: id });
    }
  };

  readonly term = (): Term | undefined => this.#term;

  readonly leads = (): boolean => {
    const snapshot = this.#leadership()?.getSnapshot();
    const { clock } = this.runtime;
    return snapshot?.value === 'Leading' && holdsLease(snapshot.context, clock.now());
  };

  readonly leader = (): string | null => this.#leadership()?.getSnapshot().context.holder ?? null;

  readonly stop = (): void => void this.root.stop();

  #add({ id, input }: Service): void {
    this.root.send({ type: 'child.add', key: id, input });
  }

  #leadership() {
    return this.find<typeof leadershipMachine>(leadershipMachine.id);
  }

  #logicOf(id: string): AnyActorLogic {
    const logic = this.#logics.get(id);
    if (logic === undefined) throw new Error(`No service is called ${id}.`);
    return logic;
  }
}
