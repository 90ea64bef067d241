import { type Runtime, reportCrash } from '#actors/runtime.ts';
import { TurnQueue } from '#core/monitoring/turn-queue.ts';
import { assert } from '#core/result.ts';
import type { RegistryEvent, RegistryRef } from '#machines/registry.ts';
import type { CheckTurns, RunTurn } from './check-turns.ts';

/**
 * The images that are checked on one registry: those in line, and those whose turn it is. When the
 * next turn is taken the registry's actor says.
 */
export class CheckLine {
  readonly #runtime: Runtime;
  readonly #options: CheckLineOptions;
  readonly #queue = new TurnQueue();
  readonly #running = new Set<RunningTurn>();
  /** Whether a check of it has ended. */
  #isMet = false;

  constructor(runtime: Runtime, options: CheckLineOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  get queued(): number {
    return this.#queue.size;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  /** Whether somebody's turn may be taken when its time comes. */
  get wantsTurns(): boolean {
    return this.queued > 0 && this.inFlight < this.#options.inFlightMax;
  }

  readonly add = (key: string, checkedMs: number | undefined, namespace?: string): void => {
    const isFirst = this.queued === 0;
    this.#queue.put(key, checkedMs, namespace);
    if (isFirst) this.#tell();
  };

  readonly remove = (key: string): void => {
    this.#queue.remove(key);
    for (const turn of this.#running) if (turn.key === key) turn.isTracked = false;
    if (this.queued === 0) this.#tell();
  };

  readonly spare = (key: string, checkedMs: number): void => {
    if (this.#queue.has(key)) this.#queue.put(key, checkedMs);
  };

  /** The first in line has its turn. */
  readonly take = (): void => {
    const key = this.#queue.takeFirst();
    assert(key !== undefined, 'a turn is taken only where somebody waits for it');
    const turn: RunningTurn = { key, beganMs: undefined, isTracked: true };
    this.#running.add(turn);
    void this.#run(turn);
  };

  #tell(): void {
    this.#options.turns.tell(this.#options.host);
  }

  #send(event: RegistryEvent): void {
    this.#options.actor()?.send(event);
  }

  async #run(turn: RunningTurn): Promise<void> {
    const { host, run, actor } = this.#options;
    const { clock } = this.#runtime;
    try {
      await run(host, turn.key, {
        begin: () => this.#begin(turn),
        answered: () => {
          if (actor()?.getSnapshot().context.guesses !== 0) this.#send({ type: 'turn.answered' });
        },
        quotaExceeded: (untilMs) =>
          this.#send({ type: 'turn.refused', atMs: clock.now(), untilMs }),
      });
    } catch (error) {
      reportCrash(this.#runtime, `check:${host}`, error);
    } finally {
      this.#end(turn);
    }
  }

  #begin(turn: RunningTurn): void {
    const atMs = this.#runtime.clock.now();
    const { host, turns } = this.#options;
    turn.beganMs = atMs;
    this.#send({ type: 'turn.began', atMs, isWanted: turns.areWanted(host) });
  }

  #end(turn: RunningTurn): void {
    // Even if nothing was sent the turn is used up: a bug must not become a burst.
    if (turn.beganMs === undefined) this.#begin(turn);
    const wantedTurns = this.wantsTurns;
    this.#running.delete(turn);
    if (turn.isTracked) this.#queue.put(turn.key, turn.beganMs ?? 0);
    this.#meet();
    if (!wantedTurns) this.#tell();
  }

  /**
   * The first request to a registry leaves late: what it is sent by is loaded and connected first,
   * in whatever way the registry speaks. Its answer is what the next slot counts from, or the two
   * would arrive closer together than a slot.
   */
  #meet(): void {
    if (this.#isMet) return;
    this.#isMet = true;
    this.#send({ type: 'checks.counted', atMs: this.#runtime.clock.now() });
  }
}

/** What the line of one registry is made of. */
export interface CheckLineOptions {
  readonly host: string;
  /** Checks in flight: what hangs there must leave room for routing. */
  readonly inFlightMax: number;
  readonly run: RunTurn;
  readonly actor: () => RegistryRef | undefined;
  /** Those of all registries: a turn of a term before may end in this one. */
  readonly turns: Pick<CheckTurns, 'tell' | 'areWanted'>;
}

interface RunningTurn {
  readonly key: string;
  /** When its request left. */
  beganMs: number | undefined;
  /** Whether it goes back in line. */
  isTracked: boolean;
}
