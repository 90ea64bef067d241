import { setImmediate as nextTurn } from 'node:timers/promises';
import type { KuikResource } from '#api/kinds.ts';
import { Listeners } from '#core/listeners.ts';
import {
  compileInSteps,
  compileTable,
  type RoutingTable,
  takeStatus,
  withArchitectures,
} from '#core/routing/table.ts';
import type { StoreChange } from '#kube/store.ts';
import { FairTurns } from './fair-turns.ts';
import type { WatchedResources } from './watch-resources.ts';

/**
 * The present routing table: follows the stores of the five kinds. However many objects change in one
 * turn of the event loop, or while a table is compiled, one table is compiled after it. A status that
 * changed is no reason to compile, and whoever subscribed hears of it all the same: conditions, for one,
 * are held against what is stored.
 */
export function keepRoutingTable(
  stores: WatchedResources['kuik'],
  { architectures = () => undefined, turns = new FairTurns() }: RoutingTableOptions = {},
) {
  let table = compileTable([]);
  let phase: 'Waiting' | 'Compiling' | 'Outdated' = 'Waiting';
  let isBuilt = false;
  const life = new AbortController();
  const isWanted = () => !life.signal.aborted;
  const { subscribe, tell } = new Listeners<[table: RoutingTable]>();
  const compile = async () => {
    for (await nextTurn(); phase === 'Outdated' && isWanted(); ) {
      phase = 'Compiling';
      const resources = [...stores.values()].flatMap((store) => [...store.values()]);
      const compiled = await turns.run('', compileInSteps(resources, table), isWanted);
      if (compiled === undefined) return;
      table = compiled;
      tell(table);
    }
    phase = 'Waiting';
  };
  const outdate = () => {
    const isCompiling = phase !== 'Waiting';
    phase = 'Outdated';
    if (!isCompiling) void compile();
  };
  let isTelling = false;
  const tellSoon = async () => {
    if (isTelling) return;
    isTelling = true;
    await nextTurn();
    isTelling = false;
    if (isWanted()) tell(table);
  };
  const take = ({ kind, value }: StoreChange<KuikResource>) => {
    const isUpdate = kind === 'updated' && phase === 'Waiting';
    if (!isUpdate || !takeStatus(table, value)) outdate();
    else void tellSoon();
  };
  const unsubscribes = [...stores.values()].map((store) => store.subscribe(take));
  return {
    /** An immutable snapshot; who holds on to it keeps deciding by it. */
    current: (): RoutingTable => {
      table = withArchitectures(table, architectures());
      return table;
    },
    /** Whether it has once been made of all that there was. */
    isBuilt: (): boolean => {
      const isWhole = phase === 'Waiting' && [...stores.values()].every((one) => one.isSynced());
      isBuilt ||= isWhole;
      return isBuilt;
    },
    /** Called after each new table, and when statuses have changed; returns how to stop that. */
    subscribe,
    stop: (): void => {
      life.abort();
      for (const unsubscribe of unsubscribes) unsubscribe();
    },
  };
}

/** What the table is made with. */
export interface RoutingTableOptions extends Partial<Pick<WatchedResources, 'architectures'>> {
  /** In which it is compiled. */
  readonly turns?: FairTurns;
}

/** The present routing table, compiled anew when a watch says that something changed. */
export type RoutingTableKeeper = ReturnType<typeof keepRoutingTable>;
