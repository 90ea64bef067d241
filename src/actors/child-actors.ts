import type { AnyActorRef, Snapshot } from 'xstate';

/** The children of an actor as they are, effects in flight too; not copied, there may be many. */
export function childActors(snapshot: Snapshot<unknown>): Iterable<AnyActorRef> {
  if (!('children' in snapshot)) return [];
  const { children } = snapshot as {
    children: ReadonlyMap<string, AnyActorRef> | Record<string, AnyActorRef>;
  };
  return children instanceof Map ? children.values() : Object.values(children);
}

/** The id by which the whole system knows an actor; effects have none. */
export function systemIdOf(actor: AnyActorRef): string | undefined {
  return (actor as { readonly systemId?: string }).systemId;
}

/** How many children have an id of their own, and the first of these ids. */
export function namedChildren(
  snapshot: Snapshot<unknown>,
  namesMax: number,
): { readonly names: readonly string[]; readonly total: number } {
  const names: string[] = [];
  let total = 0;
  for (const child of childActors(snapshot)) {
    if (systemIdOf(child) === undefined) continue;
    total += 1;
    if (names.length < namesMax) names.push(child.id);
  }
  return { names, total };
}
