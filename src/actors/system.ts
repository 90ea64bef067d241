import { type ActorRefFrom, type AnyActorLogic, createActor } from 'xstate';
import { holdsLease, type LeadInput, leadershipMachine } from '#machines/leadership.ts';
import { TransitionObserver } from '#telemetry/transitions.ts';
import type { Runtime } from './runtime.ts';
import { type SupervisorLogic, supervise } from './supervisor.ts';

/** The root's id and systemId. */
export const rootId = 'kuik';

/**
 * The tree of actors (docs/architecture.md): it comes first, and features add themselves to it;
 * nothing runs before `start`.
 */
export class KuikSystem {
  readonly runtime: Runtime;
  readonly root: ActorRefFrom<SupervisorLogic<AnyActorLogic>>;
  readonly observer: TransitionObserver;
  /** Resolves when a service crashed too often: the process must end non-zero. */
  readonly failed: Promise<Error>;
  readonly #logics = new Map<string, AnyActorLogic>();
  readonly #always: Service[] = [];
  readonly #whileLeading: Service[] = [];
  #term: LeadInput | undefined;

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

  /**
   * Adds a child that every replica runs, in the order of adding; the process cannot live without
   * it, and ends when it crashes again and again.
   */
  readonly always = (service: Service): void => {
    this.#logics.set(service.id, service.logic);
    this.#always.push(service);
  };

  /**
   * Adds a child that runs while this process leads; stopped in the reverse order of adding. One that
   * crashes is restarted for ever: reviews go on without it.
   */
  readonly whileLeading = (service: Service): void => {
    this.#logics.set(service.id, service.logic);
    this.#whileLeading.push(service);
  };

  /** A running child of the root; after a crash it is another one. */
  readonly find = <TLogic extends AnyActorLogic>(id: string): ActorRefFrom<TLogic> | undefined =>
    this.root.getSnapshot().children.get(id) as ActorRefFrom<TLogic> | undefined;

  readonly start = (): void => {
    this.root.start();
    for (const service of this.#always) this.#add(service);
  };

  /** The children that every replica runs, in the order of adding. */
  readonly permanent = (): readonly Service[] => this.#always;

  /** Begins a term: what only a leader runs is built. */
  readonly lead = (term: LeadInput): void => {
    this.#term = term;
    this.runtime.metrics.setLeader(true);
    this.runtime.log.info('this process leads');
    for (const service of this.#whileLeading) this.#add(service);
  };

  /** Ends the term, if there is one: what only a leader runs is torn down. */
  readonly follow = (): void => {
    if (this.#term === undefined) return;
    this.#term = undefined;
    this.runtime.metrics.setLeader(false);
    this.runtime.log.info('this process does not lead');
    for (const { id } of this.#whileLeading.toReversed()) {
      this.root.send({ type: 'child.remove', key: id });
    }
  };

  /** The present term; undefined where this process does not lead. */
  readonly term = (): LeadInput | undefined => this.#term;

  /** Whether this process leads and its Lease was renewed within the deadline. */
  readonly leads = (): boolean => {
    const snapshot = this.#leadership()?.getSnapshot();
    const { clock } = this.runtime;
    return snapshot?.value === 'Leading' && holdsLease(snapshot.context, clock.now());
  };

  /** Who holds the Lease as far as is known; null without an election or a holder. */
  readonly leader = (): string | null => this.#leadership()?.getSnapshot().context.holder ?? null;

  /** Stops all actors. */
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

/** One child of the root. */
export interface Service {
  /** The actor's id, `registries`. */
  readonly id: string;
  readonly logic: AnyActorLogic;
  readonly input?: unknown;
  /** How long it may take no event before it counts as stuck; for ever unless told. */
  readonly quietLimit?: QuietLimit;
}

/** When a permanent actor that takes no event is stuck (docs/failures.md). */
export interface QuietLimit {
  /** Longer than anything that it waits for is allowed to take, ms. */
  readonly quietMsMax: number;
  /** States in which it waits for what may never come. */
  readonly restsIn?: readonly string[];
}
