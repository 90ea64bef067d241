/** The pace of one registry's checks, for metrics and messages; all times in ms. */
export interface RegistryPace {
  /** Host with its port. */
  readonly registry: string;
  /** One check each so long. */
  readonly slotMs: number;
  /** Images that wait for their turn, each once for all resources that share its checks. */
  readonly queued: number;
  /** Checks that were begun and have no answer yet. */
  readonly inFlight: number;
  /** How long the next check has been overdue; 0 while the pace is kept. */
  readonly lagMs: number;
  /** Wall time of the last check; absent before the first. */
  readonly lastCheckMs?: number;
  /** Wall time until which the registry said, or is taken to have said, to wait. */
  readonly heldUntilMs?: number;
}

/** The pace of all checks, read by those who tell of it. */
export interface PaceView {
  /** Registries of which anything is tracked. */
  readonly registries: () => readonly RegistryPace[];
  /**
   * Images that take turns on each registry of one resource, its own and those of others that share
   * its pace: with `slotMs`, how long a full round takes.
   */
  readonly countsOf: (resource: string) => ReadonlyMap<string, number>;
  /**
   * How long one full round of a resource takes at the configured pace: of its slowest registry,
   * whose pace it shares with the other resources. 0 where nothing is tracked.
   */
  readonly roundMsOf: (resource: string) => number;
}

/** One check that came to an end, for metrics. */
export interface FinishedCheck {
  readonly registry: string;
  /** What was checked, in full form. */
  readonly image: string;
  /** One of `MonitoredStatus`, never `Scheduled`. */
  readonly result: string;
  /** From the turn to the answer. */
  readonly durationMs: number;
  /** What the registry said is left of the quota, where it did. */
  readonly quotaRemaining?: number;
}
