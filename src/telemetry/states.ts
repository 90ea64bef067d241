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

/** Every active state by its own name, those around the leaves too; what `?state=` may ask for. */
export function stateNamesOf(snapshot: Snapshot<unknown>): ReadonlySet<string> {
  const names = new Set<string>(statesOf(snapshot));
  if ('value' in snapshot) addNames(snapshot.value as StateValue, names);
  return names;
}

function addNames(value: StateValue, names: Set<string>): void {
  if (typeof value === 'string') {
    names.add(value);
    return;
  }
  for (const [name, inner] of Object.entries(value)) {
    names.add(name);
    if (inner !== undefined) addNames(inner, names);
  }
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
