import { type ActorRefFrom, type AnyActorLogic, createActor } from 'xstate';
import {
  certificateLogic,
  type KeepCertificateOptions,
} from '#actors/certificate/keep-certificate.ts';
import {
  type HoldLeaseOptions,
  leadershipLogic,
  type OnLeading,
} from '#actors/leader/hold-lease.ts';
import { holdsLease, leadershipMachine } from '#machines/leadership.ts';
import type { Log } from '#telemetry/log.ts';
import type { Metrics } from '#telemetry/metrics.ts';
import { observeTransitions, type TransitionObserver } from '#telemetry/transitions.ts';
import { pause } from './deadline.ts';
import { type ReflectorSource, reflectorLogic } from './reflectors.ts';
import { type SupervisorLogic, supervise } from './supervisor.ts';
import type { TimerHeap } from './timer-heap.ts';

/** One child of the root. */
export interface Service {
  /** The actor's id, `registries`. */
  readonly id: string;
  readonly logic: AnyActorLogic;
  readonly input?: unknown;
}

/** What the tree is made of; `clock` is the caller's, who closes it after `stop`. */
export interface SystemOptions {
  readonly clock: TimerHeap;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Wall time in ms. */
  readonly now: () => number;
  /** undefined: no election, this process leads (`--leader-elect=false`). */
  readonly election: Omit<HoldLeaseOptions, 'onLeading' | 'clock' | 'now'> | undefined;
  readonly certificate: Omit<KeepCertificateOptions, 'clock' | 'log'> & {
    readonly from: 'directory' | 'own';
  };
  readonly reflectors: readonly ReflectorSource[];
  /** What every replica runs beside, in order: the `registries` supervisor. */
  readonly services: readonly Service[];
  /** Built when the Lease is won and torn down when it is lost, in order. */
  readonly leaderServices?: readonly Service[];
}

/** The running tree. */
export interface KuikSystem {
  readonly root: ActorRefFrom<SupervisorLogic<AnyActorLogic>>;
  readonly observer: TransitionObserver;
  readonly start: () => void;
  /** Stops what only a leader does and hands over the Lease; routing goes on. */
  readonly release: () => Promise<void>;
  /** The same, if that is still to be done, and then stops the rest. */
  readonly stop: () => Promise<void>;
  /** Resolves when a service crashed too often: the process must end non-zero. */
  readonly failed: Promise<Error>;
  /** Whether this process leads and its Lease was renewed within the deadline. */
  readonly leads: () => boolean;
  /**
   * Wall time up to which a leader before this one may have done what it did not record, as known
   * when this process began to lead; `unknown` without an election.
   */
  readonly unrecordedUntilMs: () => number | 'unknown' | undefined;
  /** Who holds the Lease as far as is known; null without an election or a holder. */
  readonly leader: () => string | null;
}

/** The root's id and systemId. */
export const rootId = 'kuik';
/** Handing over the Lease may hold up the stop for so long (its calls have 3 s). */
const releaseWithinMs = 4_000;

/** Makes the tree of design §2; nothing runs before `start`. */
export function createSystem(options: SystemOptions): KuikSystem {
  const { clock, log } = options;
  const services = new Map<string, Service>();
  const observer = observeTransitions(options);
  const root = createActor(
    supervise<AnyActorLogic>({
      type: 'service',
      logic: (key) => findService(services, key).logic,
      policy: 'vital',
      clock,
      onCrash: (actor, error) => {
        options.metrics.actorCrash(actor.split(':')[0] ?? actor);
        log.error({ actor, err: error }, 'an actor crashed');
      },
      address: (key) => key,
    }),
    { id: rootId, systemId: rootId, inspect: observer.inspect },
  );
  const add = ({ id, input }: Service) => root.send({ type: 'child.add', key: id, input });
  const remove = ({ id }: Service) => root.send({ type: 'child.remove', key: id });
  const { leaderServices = [] } = options;
  let unrecordedUntilMs: ReturnType<KuikSystem['unrecordedUntilMs']>;
  const onLeading: OnLeading = (leading, untilMs) => {
    unrecordedUntilMs = untilMs;
    options.metrics.setLeader(leading);
    log.info(leading ? 'this process leads' : 'this process does not lead');
    if (leading) leaderServices.forEach(add);
    else leaderServices.toReversed().forEach(remove);
  };
  const always = listServices(options, onLeading);
  for (const service of [...always, ...leaderServices]) services.set(service.id, service);
  const failed = new Promise<Error>((resolve) => {
    root.subscribe({
      error: (error) => resolve(error instanceof Error ? error : new Error(String(error))),
    });
  });
  let released: Promise<void> | undefined;
  const releaseOnce = () => {
    leaderServices.toReversed().forEach(remove);
    released ??= release(findLeadership(root), clock);
    return released;
  };
  return {
    root,
    observer,
    failed,
    start: () => {
      root.start();
      always.forEach(add);
    },
    release: releaseOnce,
    stop: async () => {
      await releaseOnce();
      root.stop();
    },
    unrecordedUntilMs: () => unrecordedUntilMs,
    leads: () => doesLead(findLeadership(root), clock.now()),
    leader: () => findLeadership(root)?.getSnapshot().context.holder ?? null,
  };
}

function findService(services: ReadonlyMap<string, Service>, id: string): Service {
  const service = services.get(id);
  if (service === undefined) throw new Error(`No service is called ${id}.`);
  return service;
}

/** Caches first, the election last: whoever wins has what a leader needs. */
function listServices(options: SystemOptions, onLeading: OnLeading): readonly Service[] {
  const { certificate, clock, log } = options;
  return [
    ...options.reflectors.map((source) => reflectorService(source, options)),
    ...options.services,
    {
      id: 'certificate',
      logic: certificateLogic({ ...certificate, clock, log: log.child({ actor: 'certificate' }) }),
      input: { source: certificate.from },
    },
    leadershipService(options, onLeading),
  ];
}

function reflectorService(source: ReflectorSource, { metrics, log }: SystemOptions): Service {
  const id = `reflector:${source.resource}`;
  return { id, logic: reflectorLogic(source, { metrics, log: log.child({ actor: id }) }) };
}

function leadershipService({ election, clock, now }: SystemOptions, onLeading: OnLeading): Service {
  const id = leadershipMachine.id;
  if (election === undefined) {
    return {
      id,
      logic: leadershipLogic({ onLeading }),
      input: { elect: false, renewDeadlineMs: 0 },
    };
  }
  return {
    id,
    logic: leadershipLogic({ ...election, clock, now, onLeading }),
    input: { elect: true, renewDeadlineMs: election.renewDeadlineMs },
  };
}

type Leadership = ActorRefFrom<typeof leadershipMachine>;

function findLeadership(root: KuikSystem['root']): Leadership | undefined {
  return root.getSnapshot().children.get(leadershipMachine.id) as Leadership | undefined;
}

function doesLead(leadership: Leadership | undefined, nowMs: number): boolean {
  const snapshot = leadership?.getSnapshot();
  return snapshot?.value === 'Leading' && holdsLease(snapshot.context, nowMs);
}

/** Waits until the Lease is let go, or for as long as that may take at most. */
async function release(leadership: Leadership | undefined, clock: TimerHeap): Promise<void> {
  if (leadership === undefined) return;
  const ended = new AbortController();
  leadership.subscribe({ complete: () => ended.abort(), error: () => ended.abort() });
  leadership.send({ type: 'leadership.release' });
  await pause(clock, releaseWithinMs, ended.signal);
}
