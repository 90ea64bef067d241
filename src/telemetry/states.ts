import type { Snapshot, StateValue } from 'xstate';

/**
 * The active states of any actor of ours as names: of a machine its leaves (`Serving`, and
 * `reachability.Closed` where regions are parallel); of an actor with a `phase` that phase; of a
 * supervisor `Running`.
 */
export function statesOf(snapshot: Snapshot<unknown>): readonly string[] {
  if ('value' in snapshot) return leavesOf(snapshot.value as StateValue);
  if ('phase' in snapshot && typeof snapshot.phase === 'string') return intern([snapshot.phase]);
  return running;
}

/**
 * Whether an actor is in a state, by any name that `?state=` may ask for: those of `statesOf`, and each
 * active state by its own, those around the leaves too.
 */
export function isInState(snapshot: Snapshot<unknown>, name: string): boolean {
  if ('value' in snapshot && holdsState(snapshot.value as StateValue, name)) return true;
  return statesOf(snapshot).includes(name);
}

function holdsState(value: StateValue, name: string): boolean {
  if (typeof value === 'string') return value === name;
  for (const key in value) {
    const inner = value[key];
    if (key === name || (inner !== undefined && holdsState(inner, name))) return true;
  }
  return false;
}

const running: readonly string[] = ['Running'];

/**
 * Thousands of actors share few states: one array for each that is seen, be it of one state or of
 * several regions. Charts bound their number; the limit only guards against an actor that makes up
 * phases.
 */
const interned = new Map<string, readonly string[]>();
const internedMax = 1_000;

function intern(states: readonly string[]): readonly string[] {
  const key = states.join(' ');
  const known = interned.get(key);
  if (known !== undefined) return known;
  if (interned.size < internedMax) interned.set(key, states);
  return states;
}

function leavesOf(value: StateValue): readonly string[] {
  if (typeof value === 'string') return intern([value]);
  const regions = Object.entries(value);
  const [only] = regions;
  // A state around parallel regions says nothing that the regions don't.
  if (regions.length === 1 && only?.[1] !== undefined && isParallel(only[1])) {
    return leavesOf(only[1]);
  }
  const leaves = regions.flatMap(([name, inner]) =>
    inner === undefined || isEmpty(inner)
      ? [name]
      : leavesOf(inner).map((leaf) => `${name}.${leaf}`),
  );
  return intern(leaves);
}

function isParallel(value: StateValue): boolean {
  return typeof value !== 'string' && Object.keys(value).length > 1;
}

function isEmpty(value: StateValue): boolean {
  return typeof value !== 'string' && Object.keys(value).length === 0;
}
