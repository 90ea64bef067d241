import type { Runtime } from '#actors/runtime.ts';
import { registryHost } from '#core/image/registry-host.ts';
import { nextCheckMs, type Pace, recordedMsMax, slotMsOf, unpaced } from '#core/monitoring/pace.ts';
import type { RegistryPace } from '#core/monitoring/pace-view.ts';
import { type ClockReading, toMonotonicMs, toWallMs } from '#core/monitoring/stored-time.ts';
import { assert } from '#core/result.ts';
import type { RegistryRef } from '#machines/registry.ts';
import { CheckLine } from './check-line.ts';

/**
 * Whose turn it is to be checked, registry by registry, at the pace that its actor keeps. Turns are
 * taken within a term, the time that this process leads, of which there is one at a time; without
 * one, nobody gets in line.
 */
export class CheckTurns {
  readonly #runtime: Runtime;
  readonly #options: CheckTurnsOptions;
  /** By the beginning of their keys: whose turns are run by others than who began the term. */
  readonly #guests = new Map<string, RunTurn>();
  #term: Term | undefined;

  constructor(runtime: Runtime, options: CheckTurnsOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** Begins a term; no turn is taken before `open`. */
  readonly begin = (term: CheckTerm): void => {
    this.end();
    const bornMs = this.#runtime.clock.now();
    this.#term = { ...term, bornMs, lines: new Map(), isOpen: false };
  };

  /** All that was tracked before is in line: turns are taken from now on. */
  readonly open = (): void => this.#tellAll(true);

  /** The turns of keys that begin so are run by somebody else; returns how to end that. */
  readonly serve = (prefix: string, run: RunTurn): (() => void) => {
    this.#guests.set(prefix, run);
    return () => this.#guests.delete(prefix);
  };

  /** No turn is taken any more; those that were taken go on to their end. */
  readonly end = (): void => {
    this.#tellAll(false);
    this.#term = undefined;
  };

  /**
   * Puts an image in line; `checkedMs` is its last check (monotonic), undefined where it had none:
   * such images have their turns by namespace.
   */
  readonly add = (
    host: string,
    key: string,
    {
      checkedMs,
      namespace,
    }: { readonly checkedMs?: number | undefined; readonly namespace?: string },
  ): void => this.#use(registryHost(host))?.add(key, checkedMs, namespace);

  /** Takes it out of the line; one whose turn it is just does not come back. */
  readonly remove = (host: string, key: string): void =>
    this.#find(registryHost(host))?.remove(key);

  /** Another's answer was as good as a check then (monotonic): back in line, no slot is used. */
  readonly spare = (host: string, key: string, checkedMs: number): void =>
    this.#find(registryHost(host))?.spare(key, checkedMs);

  /** A status says that an image of this registry was checked then (wall time), or never. */
  readonly recorded = (name: string, lastMonitorMs: number | undefined): void => {
    if (this.#term === undefined) return;
    const host = registryHost(name);
    const { unrecordedUntilMs, bornMs } = this.#term;
    this.#use(host);
    if (unrecordedUntilMs === 'unknown') this.#countChecks(host, bornMs);
    if (lastMonitorMs === undefined) return;
    this.#countChecks(host, toMonotonicMs(lastMonitorMs, this.clocks()) + recordedMsMax);
  };

  /** The time from one check to the next. */
  readonly slotMsOf = (host: string): number => slotMsOf(this.#options.paceOf(host));

  readonly clocks = (): ClockReading => ({
    wallMs: this.#runtime.now(),
    monotonicMs: this.#runtime.clock.now(),
  });

  /** Of the registries that had images in line in this term. */
  readonly figures = (): readonly RegistryPace[] =>
    [...(this.#term?.lines ?? [])].map(([host, line]) => this.#figuresOf(host, line));

  /** Whether a registry must not lose its actor. */
  readonly keeps = (host: string): boolean => this.#term?.lines.has(registryHost(host)) === true;

  /** How many those are. */
  get kept(): number {
    return this.#term?.lines.size ?? 0;
  }

  /** The registry's pace says that the next turn has come. */
  readonly take = (host: string): void => {
    const line = this.#find(host);
    assert(line !== undefined, 'a turn is taken only where there is a line');
    line.take();
  };

  /** Whether a turn is to be taken when its time comes. */
  readonly areWanted = (host: string): boolean =>
    this.#term?.isOpen === true && this.#find(host)?.wantsTurns === true;

  /** Tells the registry's actor whether turns are wanted. */
  readonly tell = (host: string): void => {
    const type = this.areWanted(host) ? 'turns.wanted' : 'turns.unwanted';
    this.#options.actorOf(host)?.send({ type });
  };

  #tellAll(isOpen: boolean): void {
    if (this.#term === undefined || this.#term.isOpen === isOpen) return;
    this.#term.isOpen = isOpen;
    for (const host of this.#term.lines.keys()) this.tell(host);
  }

  #find(host: string): CheckLine | undefined {
    return this.#term?.lines.get(host);
  }

  #use(host: string): CheckLine | undefined {
    const known = this.#find(host);
    if (known !== undefined || this.#term === undefined) return known;
    const { run, unrecordedUntilMs, lines } = this.#term;
    const { inFlightMaxOf, actorOf } = this.#options;
    const line = new CheckLine(this.#runtime, {
      run: (name, key, turn) => (this.#guestOf(key) ?? run)(name, key, turn),
      ...{ host, turns: this, inFlightMax: inFlightMaxOf(host) },
      actor: () => actorOf(host),
    });
    lines.set(host, line);
    this.#options.keep(host);
    if (typeof unrecordedUntilMs === 'number') {
      this.#countChecks(host, toMonotonicMs(unrecordedUntilMs, this.clocks()));
    }
    return line;
  }

  #guestOf(key: string): RunTurn | undefined {
    for (const [prefix, run] of this.#guests) if (key.startsWith(prefix)) return run;
    return undefined;
  }

  #countChecks(host: string, atMs: number): void {
    const { lastMs } = this.#options.actorOf(host)?.getSnapshot().context ?? unpaced;
    // Thousands of statuses are read as a term begins; nearly all of them say nothing new.
    if (lastMs !== null && atMs <= lastMs) return;
    this.#options.actorOf(host)?.send({ type: 'checks.counted', atMs });
  }

  #figuresOf(registry: string, { queued, inFlight }: CheckLine): RegistryPace {
    const snapshot = this.#options.actorOf(registry)?.getSnapshot();
    const { lastMs, heldUntilMs } = snapshot?.context ?? unpaced;
    const slotMs = this.slotMsOf(registry);
    const clocks = this.clocks();
    const isDue = this.#term?.isOpen === true && queued > 0 && snapshot?.value.pace !== 'Taking';
    const lagMs = isDue ? clocks.monotonicMs - nextCheckMs({ lastMs, heldUntilMs }, slotMs) : 0;
    const isHeld = heldUntilMs !== null && heldUntilMs > clocks.monotonicMs;
    return {
      ...{ registry, queued, inFlight, slotMs },
      // One who may be checked at once is not late.
      lagMs: Number.isFinite(lagMs) ? Math.max(0, lagMs) : 0,
      ...(lastMs !== null && { lastCheckMs: toWallMs(lastMs, clocks) }),
      ...(isHeld && { heldUntilMs: toWallMs(heldUntilMs, clocks) }),
    };
  }
}

/** What a term begins with. */
export interface CheckTerm {
  /**
   * Wall time up to which checks may have been sent that nobody recorded: a leader before this one
   * ended without a word. `unknown` where there is no Lease that would tell.
   */
  readonly unrecordedUntilMs: number | 'unknown' | undefined;
  readonly run: RunTurn;
}

/** Runs one turn to its end, and says on the way what came of it. */
export type RunTurn = (host: string, key: string, turn: Turn) => Promise<void>;

/** One turn, as the check that has it sees it. */
export interface Turn {
  /** Its request leaves now: the next turn comes a slot later. */
  readonly begin: () => void;
  /** The registry answered with anything but a quota that is used up. */
  readonly answered: () => void;
  /** A quota is used up, until then (monotonic) where the registry said so. */
  readonly quotaExceeded: (untilMs: number | undefined) => void;
}

/** What turns are taken with. */
export interface CheckTurnsOptions {
  readonly paceOf: (host: string) => Pace;
  /** Checks at once on one registry. */
  readonly inFlightMaxOf: (host: string) => number;
  readonly actorOf: (host: string) => RegistryRef | undefined;
  /** A registry has a line from now on, so it must have its actor. */
  readonly keep: (host: string) => void;
}

interface Term extends CheckTerm {
  readonly bornMs: number;
  readonly lines: Map<string, CheckLine>;
  isOpen: boolean;
}
