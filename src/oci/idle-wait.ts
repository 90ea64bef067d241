import type { Dispatcher } from 'undici';
import type { TurnGate } from './turn-gate.ts';

/** Connections that stay when a burst is over. */
export const KEPT_CONNECTIONS = 4;

/**
 * Requests wait for a kept connection while those become free at least so often: nearby, they answer
 * dozens of requests in that time, where each handshake costs 1 ms and more of the processor on
 * either side. Whoever is farther away than that is not waited for at all.
 */
const STALL_MS = 20;
/** However well it goes on: three round trips to a registry at that distance, and some more. */
const WAIT_MS_MAX = 100;

/** Who waits for one of the kept connections to one origin before another one is opened. */
export class IdleWait {
  readonly #waiting = new Set<() => void>();
  #busy = 0;
  /** The shortest time that an answer took: how far away it is, whatever it does meanwhile. */
  #nearestMs = 0;
  #stall: NodeJS.Timeout | undefined;

  /** Resolves when a connection is free, or when it is time to open one. Then `leave`. */
  async enter(): Promise<void> {
    if (this.#busy >= KEPT_CONNECTIONS && this.#nearestMs <= STALL_MS) await this.#wait();
    this.#busy += 1;
  }

  /** A connection is free again. */
  leave(): void {
    this.#busy -= 1;
    const [next] = this.#waiting;
    next?.();
    this.#watch();
  }

  /** How long an answer took. */
  took(answerMs: number): void {
    this.#nearestMs = this.#nearestMs === 0 ? answerMs : Math.min(this.#nearestMs, answerMs);
  }

  async #wait(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => {
      this.#waiting.delete(wake);
      resolve();
    };
    this.#waiting.add(wake);
    if (this.#waiting.size === 1) this.#watch();
    const timer = setTimeout(wake, WAIT_MS_MAX);
    await promise;
    clearTimeout(timer);
  }

  /** From now on: when nothing becomes free for a while, all who wait open connections. */
  #watch(): void {
    clearTimeout(this.#stall);
    if (this.#waiting.size === 0) return;
    this.#stall = setTimeout(() => {
      for (const wake of this.#waiting) wake();
    }, STALL_MS);
  }
}

/** A connection is free once the body is read to its end, and a turn of the event loop later. */
export async function onceIdle(
  { wait, requests }: { readonly wait: IdleWait; readonly requests: TurnGate },
  send: () => Promise<Dispatcher.ResponseData>,
): Promise<Dispatcher.ResponseData> {
  await wait.enter();
  // All who waited are let go at once.
  await requests.pass();
  const startedMs = performance.now();
  try {
    const answer = await send();
    wait.took(performance.now() - startedMs);
    answer.body.once('close', () => setImmediate(() => wait.leave()));
    return answer;
  } catch (error) {
    wait.leave();
    throw error;
  }
}
