import type { AnyActorRef } from 'xstate';

/** Children of supervisors that have ended, which are still to be stopped. */
export interface LeavingChildren {
  /** Each is stopped soon, the last first, a slice in a turn of the event loop. */
  readonly add: (
    children: ReadonlyMap<string, AnyActorRef>,
    stop: (child: AnyActorRef) => void,
  ) => void;
  /** Who takes over a place cannot wait for that: the one that has it is stopped at once. */
  readonly stopNow: (key: string) => void;
}

/** So many are stopped in one turn: about 2 ms; 20,000 at once would hold up admission for 0.4 s. */
export const stopsPerTurn = 100;

/** The children of one supervisor, when it ended. */
interface Leaving {
  /** Those that are still there; nothing is made for each, since even that takes tens of ms. */
  readonly children: Map<string, AnyActorRef>;
  /** From its end on. */
  readonly keys: string[];
  readonly stop: (child: AnyActorRef) => void;
}

/** Makes the place where they wait. */
export function leavingChildren(): LeavingChildren {
  let all: readonly Leaving[] = [];
  const stopOne = ({ children, stop }: Leaving, key: string): void => {
    const child = children.get(key);
    children.delete(key);
    if (child !== undefined) stop(child);
  };
  const stopSlice = (): void => {
    const [first] = all;
    if (first === undefined) return;
    for (const key of first.keys.splice(-stopsPerTurn).reverse()) stopOne(first, key);
    if (first.keys.length === 0) all = all.filter((leaving) => leaving !== first);
    if (all.length > 0) setImmediate(stopSlice);
  };
  return {
    stopNow: (key) => {
      for (const leaving of all) stopOne(leaving, key);
    },
    add: (children, stop) => {
      if (children.size === 0) return;
      if (all.length === 0) setImmediate(stopSlice);
      all = [...all, { children: new Map(children), keys: [...children.keys()], stop }];
    },
  };
}
