import type { RegistryPace } from '#core/monitoring/pace-view.ts';
import type { ClockReading } from '#core/monitoring/stored-time.ts';

/**
 * Whose turn it is to be checked, registry by registry, at the pace of each. Turns are taken within
 * a term, the time that this process leads, of which there is one at a time.
 */
export interface CheckTurns {
  /** Begins a term; no turn is taken before `open`. */
  readonly begin: (term: CheckTerm) => void;
  /** All that was tracked before is in line: turns are taken from now on. */
  readonly open: () => void;
  /** No turn is taken any more; those that were taken go on to their end. */
  readonly end: () => void;
  /** Puts an image in line; `checkedMs` is its last check (monotonic), undefined where it had none. */
  readonly add: (host: string, key: string, checkedMs: number | undefined) => void;
  /** Takes it out of the line; one whose turn it is just does not come back. */
  readonly remove: (host: string, key: string) => void;
  /** Another's answer was as good as a check then (monotonic): back in line, no slot is used. */
  readonly spare: (host: string, key: string, checkedMs: number) => void;
  /** A status says that an image of this registry was checked then (wall time), or never. */
  readonly recorded: (host: string, lastMonitorMs: number | undefined) => void;
  /** The time from one check to the next. */
  readonly slotMsOf: (host: string) => number;
  /** Of the registries that had images in line in this term. */
  readonly figures: () => readonly RegistryPace[];
  readonly clocks: () => ClockReading;
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
