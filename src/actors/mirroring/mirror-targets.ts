import { type ActorRefFrom, fromCallback } from 'xstate';
import type { Runtime } from '#actors/runtime.ts';
import { type SupervisorLogic, supervise } from '#actors/supervisor.ts';
import type { KuikSystem } from '#actors/system.ts';
import { registryHost } from '#core/image/registry-host.ts';
import { type CopyTurn, copyLevel } from '#core/mirroring/copy-queue.ts';
import { copyBackoff } from '#core/mirroring/copy-retry.ts';
import { type MirrorTargetEvent, mirrorTargetMachine } from '#machines/mirror-target.ts';
import type { MirroredCopy } from './mirrored-copy.ts';
import { TargetQueue } from './target-queue.ts';

/** What the mirrors as such are run with. */
export interface MirrorTargetsOptions {
  /** Copies at once to one mirror (`mirroring.concurrency`). */
  readonly concurrency: number;
  /** Whether a copy whose turn has come may begin; one that may not waits elsewhere. */
  readonly admits: (copy: MirroredCopy) => boolean;
  /** Resolves when a copy whose turn it is needs its place no longer. */
  readonly hold: (copy: MirroredCopy, turn: Promise<void>) => Promise<void>;
}

/** What is told of a mirror: what waits for it. */
export interface TargetFigures {
  readonly target: string;
  readonly waiting: number;
  readonly running: number;
  /** Since when the first in line waits, on the clock of the process. */
  readonly oldestMs: number | undefined;
}

/** The supervisor of the actors of all mirrors. */
export type MirrorTargetsLogic = SupervisorLogic<typeof mirrorTargetMachine>;

/** That supervisor's id. */
export const mirrorTargetsId = 'mirror-targets';

type TargetActor = ActorRefFrom<typeof mirrorTargetMachine>;

/** The mirrors, each with its actor and its queue: none of them holds another up. */
export class MirrorTargets {
  readonly #runtime: Runtime;
  readonly #find: KuikSystem['find'];
  readonly #options: MirrorTargetsOptions;
  readonly #queues = new Map<string, TargetQueue<MirroredCopy>>();
  #life = new AbortController();
  /** Called whenever nothing is in flight any more for one of them. */
  #ended = (): void => {};

  constructor(
    { runtime, find }: Pick<KuikSystem, 'runtime' | 'find'>,
    options: MirrorTargetsOptions,
  ) {
    this.#runtime = runtime;
    this.#find = find;
    this.#options = options;
  }

  /** Puts a copy in the line of its mirror, or where it belongs in it now. */
  readonly put = (copy: MirroredCopy): void => {
    this.#queueOf(copy.target).put(copy, turnOf(copy));
    this.send(copy.target, { type: 'copies.wanted' });
  };

  readonly remove = (copy: MirroredCopy): void => {
    this.#queues.get(copy.target)?.remove(copy);
    this.tellDone(copy.target);
  };

  /** Tells the actor where nothing waits or runs any more. */
  readonly tellDone = (target: string): void => {
    const queue = this.#queues.get(target);
    this.#ended();
    if (queue === undefined || queue.waiting > 0 || queue.running > 0) return;
    this.send(target, { type: 'copies.done' });
  };

  readonly send = (target: string, event: MirrorTargetEvent): void =>
    this.#supervisor()?.getSnapshot().children.get(target)?.send(event);

  /** A registry answers again: mirrors there wait no longer. */
  readonly answered = (host: string): void => {
    for (const target of this.#queues.keys()) {
      const registry = target.split('/', 1)[0] ?? target;
      if (registryHost(registry) === host) this.send(target, { type: 'target.answered' });
    }
  };

  /** Resolves when nothing is in flight any more, or once that is late. */
  readonly ended = async (withinMs: number): Promise<void> => {
    const isOver = (): boolean => this.figures().every(({ running }) => running === 0);
    const over = Promise.withResolvers<void>();
    this.#ended = () => {
      if (isOver()) over.resolve();
    };
    const cancel = this.#runtime.clock.after(withinMs, over.resolve);
    this.#ended();
    await over.promise;
    cancel();
    this.#ended = () => {};
  };

  /** Lets go of a mirror that no copy has any more. */
  readonly drop = (target: string): void => {
    this.#queues.get(target)?.pause();
    this.#queues.delete(target);
    this.#supervisor()?.send({ type: 'child.remove', key: target });
  };

  readonly figures = (): readonly TargetFigures[] =>
    [...this.#queues].map(([target, { waiting, running, oldestMs }]) => ({
      ...{ target, waiting, running, oldestMs },
    }));

  /** No copy begins any more. */
  readonly end = (): void => this.#life.abort();

  /** The term is over; what is put in line after this is of the next. */
  readonly clear = (): void => {
    this.end();
    this.#life = new AbortController();
    this.#queues.clear();
  };

  /** The machine with its effects, supervised. */
  readonly logic = (): MirrorTargetsLogic => {
    const { now } = this.#runtime;
    return supervise(this.#runtime, {
      type: 'mirror-target',
      policy: 'object',
      logic: mirrorTargetMachine.provide({
        actors: {
          queue: fromCallback(({ input: { target }, sendBack }) => {
            const { waiting = 0, running = 0 } = this.#queues.get(target) ?? {};
            if (waiting > 0 || running > 0) sendBack({ type: 'copies.wanted' });
          }),
        },
        delays: {
          untilRetried: ({ context: { failures, retryAtMs } }) => {
            const told = retryAtMs === null ? 0 : retryAtMs - now();
            return Math.max(told, backoffMs(failures), 0);
          },
        },
      }),
      started: (target, actor) => this.#follow(target, actor),
    });
  };

  /** There is a mirror, to which copies are made. */
  readonly add = (target: string): void => void this.#queueOf(target);

  #queueOf(target: string): TargetQueue<MirroredCopy> {
    const known = this.#queues.get(target);
    if (known !== undefined) return known;
    const { concurrency, admits, hold } = this.#options;
    const queue = new TargetQueue<MirroredCopy>(this.#runtime, {
      ...{ target, concurrency, signal: this.#life.signal },
      ended: () => this.tellDone(target),
      begin: (copy) => {
        const turn = admits(copy) ? copy.takeTurn() : Promise.resolve();
        return { turn, place: hold(copy, turn) };
      },
    });
    this.#queues.set(target, queue);
    this.#supervisor()?.send({ type: 'child.add', key: target, input: { target } });
    return queue;
  }

  /** The queue stands still while its mirror backs off; one that crashed holds nobody up. */
  #follow(target: string, actor: TargetActor): void {
    const queue = this.#queues.get(target);
    const see = (): void => {
      if (actor.getSnapshot().value === 'BackingOff') queue?.pause();
      else queue?.resume();
    };
    actor.subscribe({ next: see, error: () => queue?.resume() });
    see();
  }

  #supervisor(): ActorRefFrom<MirrorTargetsLogic> | undefined {
    return this.#find<MirrorTargetsLogic>(mirrorTargetsId);
  }
}

/** On whose behalf a copy is made, and how urgent it is. */
export function turnOf(copy: MirroredCopy): Omit<CopyTurn, 'id'> {
  const uses = [...copy.demands.values()].flatMap(({ use }) => use ?? []);
  const first = uses.find(({ isWaiting }) => isWaiting) ?? uses[0];
  const level = copyLevel({
    isWaitedFor: first?.isWaiting === true,
    isLost: copy.known.digest !== undefined,
    isUsed: first !== undefined,
  });
  return { share: first?.namespace ?? '', level };
}

/** As with single copies: 1 s, doubling; a registry that answers is gone on with at once. */
function backoffMs(failures: number): number {
  const { baseMs, capMs } = copyBackoff;
  return Math.min(baseMs * 2 ** Math.min(Math.max(failures - 1, 0), exponentMax), capMs);
}

/** A doubling cannot go on past what a number holds; the cap is reached long before. */
const exponentMax = 20;
