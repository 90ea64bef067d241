import type { Snapshot, StateValue } from 'xstate';

/**
 * The active states of any actor of ours as names: of a machine its leaves, with the path to them
 * (`reachability.Closed`); of an actor with a `phase` that phase; of a supervisor `Running`.
 */
export function statesOf(snapshot: Snapshot<unknown>): readonly string[] {
  if ('value' in snapshot) return leavesOf(snapshot.value as StateValue);
  if ('phase' in snapshot && typeof snapshot.phase === 'string') return intern(snapshot.phase);
  return running;
}

const running: readonly string[] = ['Running'];

/**
 * Thousands of actors share few states: one array for each state seen. Charts bound their number;
 * the limit only guards against an actor that makes up phases.
 */
const interned = new Map<string, readonly string[]>();
const internedMax = 1_000;

function intern(state: string): readonly string[] {
  const known = interned.get(state);
  if (known !== undefined) return known;
  const states = [state];
  if (interned.size < internedMax) interned.set(state, states);
  return states;
}

function leavesOf(value: StateValue): readonly string[] {
  if (typeof value === 'string') return intern(value);
  return Object.entries(value).flatMap(([name, inner]) =>
    inner === undefined || isEmpty(inner)
      ? [name]
      : leavesOf(inner).map((leaf) => `${name}.${leaf}`),
  );
}

function isEmpty(value: StateValue): boolean {
  return typeof value !== 'string' && Object.keys(value).length === 0;
}
