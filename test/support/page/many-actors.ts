import { createMachineViews } from '#actors/machine-view.ts';
import type { ActorDetail, ActorSummary, ActorView } from '#core/actor-view.ts';
import { buildDebugApp, type DebugPorts } from '#http/debug.ts';
import { listen } from '#http/listen.ts';
import { allMachines } from '#machines/all-machines.ts';
import { createLog } from '#telemetry/log.ts';

/** A debug endpoint over made-up actors. */
export interface ManyActors {
  readonly url: string;
  /** Moves the circuit of the one registry, `registry:quay.io`. */
  readonly move: (from: string, event: string, to: string) => void;
  readonly close: () => Promise<void>;
}

const since = '2026-11-28T10:00:00Z';

/** Serves tracked images by the thousand, and one registry that can be moved. */
export async function serveManyActors(count: number): Promise<ManyActors> {
  const images = Array.from({ length: count }, (_, index): ActorSummary => {
    const id = `tracked-image:all/quay.io/team/app-${String(index).padStart(5, '0')}:1`;
    return { id, type: 'tracked-image', state: ['availability.Available', 'usage.Used'], since };
  });
  let registry: ActorDetail = {
    ...{ id: 'registry:quay.io', type: 'registry', since },
    state: ['reachability.Closed', 'quota.Free', 'pace.Idle'],
    context: { host: 'quay.io', failures: 0, trouble: null },
    ...{ transitions: [], children: [], childrenTotal: 0 },
  };
  const actors: ActorView = {
    leader: () => 'kuik-0',
    get: (id) => (id === registry.id ? registry : undefined),
    list: async ({ type, state, q, limit, cursor = '', offset = 0 }) => {
      const found = [registry, ...images].filter(
        (actor) =>
          (type === undefined || actor.type === type) &&
          (q === undefined || actor.id.includes(q)) &&
          (state === undefined || actor.state.some((one) => one.endsWith(state))),
      );
      const after = found.filter(({ id }) => id > cursor).slice(offset);
      const next = after.length > limit ? (after[limit - 1]?.id ?? null) : null;
      return { actors: after.slice(0, limit), total: found.length, next };
    },
  };
  const app = buildDebugApp(
    { ...unasked, actors, machines: createMachineViews(allMachines) },
    { address: '127.0.0.1', hosts: [] },
  );
  const { port, close } = await listen(app, { port: 0, host: '127.0.0.1' });
  return {
    url: `http://127.0.0.1:${port}`,
    move: (from, event, to) => {
      const states = (circuit: string) => [`reachability.${circuit}`, 'quota.Free', 'pace.Idle'];
      const at = new Date().toISOString();
      const change = { at, event, from: states(from), to: states(to) };
      const transitions = [...registry.transitions, change];
      registry = { ...registry, state: states(to), since: at, transitions };
    },
    close,
  };
}

/** What these tests do not ask. */
const unasked: Omit<DebugPorts, 'actors' | 'machines'> = {
  explain: async () => await Promise.reject(new Error('Nobody asks for it.')),
  whatIf: async (registries) => ({
    registries,
    moving: [],
    stranded: [],
    staying: 0,
    undecided: 0,
  }),
  plan: async () => ({ plans: [], bytes: 0, workloads: 0, undecided: 0 }),
  replica: 'kuik-0',
  namespaceExists: async () => true,
  access: async () => ({ kind: 'unknown' }),
  log: createLog({ level: 'silent', format: 'json' }),
};
