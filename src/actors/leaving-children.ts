/** Children of supervisors that have ended, which are still to be stopped. */
export interface LeavingChildren {
  /** Each is stopped soon, in this order, a slice in a turn of the event loop. */
  readonly add: (children: Iterable<readonly [id: string, stop: () => void]>) => void;
  /** Who takes over an id cannot wait for that: the one that has it is stopped at once. */
  readonly stopNow: (id: string) => void;
}

/** So many are stopped in one turn: about 2 ms; 20,000 at once would hold up admission for 0.4 s. */
export const stopsPerTurn = 100;

/** Makes the place where they wait. */
export function leavingChildren(): LeavingChildren {
  const waiting = new Map<string, () => void>();
  const stopNow = (id: string): void => {
    const stop = waiting.get(id);
    waiting.delete(id);
    stop?.();
  };
  const stopSlice = (): void => {
    for (const id of [...waiting.keys().take(stopsPerTurn)]) stopNow(id);
    if (waiting.size > 0) setImmediate(stopSlice);
  };
  return {
    stopNow,
    add: (children) => {
      const isRunning = waiting.size > 0;
      for (const [id, stop] of children) waiting.set(id, stop);
      if (!isRunning && waiting.size > 0) setImmediate(stopSlice);
    },
  };
}
