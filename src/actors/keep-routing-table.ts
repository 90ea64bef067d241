import type { KuikKind, KuikResource } from '#api/kinds.ts';
import { Listeners } from '#core/listeners.ts';
import { compileTable, type RoutingTable } from '#core/routing/table.ts';
import type { Store } from '#kube/store.ts';

/**
 * The present routing table: follows the stores of the five kinds. However many objects change in one turn of the event loop,
 * one table is compiled after it.
 */
export function keepRoutingTable(stores: ReadonlyMap<KuikKind, Store<KuikResource>>) {
  let table = compileTable([]);
  let pending: NodeJS.Immediate | undefined;
  const { subscribe, tell } = new Listeners<[table: RoutingTable]>();
  const compile = () => {
    pending = undefined;
    const resources = [...stores.values()].flatMap((store) => [...store.values()]);
    table = compileTable(resources, table);
    tell(table);
  };
  const unsubscribes = [...stores.values()].map((store) =>
    store.subscribe(() => {
      pending ??= setImmediate(compile);
    }),
  );
  return {
    /** An immutable snapshot; who holds on to it keeps deciding by it. */
    current: (): RoutingTable => table,
    /** Called after each new table; returns how to stop that. */
    subscribe,
    stop: (): void => {
      if (pending !== undefined) clearImmediate(pending);
      for (const unsubscribe of unsubscribes) unsubscribe();
    },
  };
}

/** The present routing table, compiled anew when a watch says that something changed. */
export type RoutingTableKeeper = ReturnType<typeof keepRoutingTable>;
