import { freePorts } from '#test/support/processes/child-process.ts';
import { untilReady } from '#test/support/time/eventually.ts';
import { type OperatorProcess, startOperator } from './operator-process.ts';
import { type Backend, startWebhookBalancer, type WebhookBalancer } from './webhook-balancer.ts';

/** Some replicas of one operator behind a balancer; one that is killed is replaced at once. */
export interface Replicas {
  readonly namespace: string;
  readonly alive: () => readonly Replica[];
  /** Who leads now, once somebody does. */
  readonly leader: () => Promise<Leader>;
  /** Kills it as a crash of its machine does; resolves when another one is ready in its place. */
  readonly replace: (replica: Replica) => Promise<void>;
  /** Ends it as Kubernetes does; resolves when it is gone. */
  readonly end: (replica: Replica) => Promise<void>;
  /** What all have logged, those that are gone too. */
  readonly logs: () => string;
  /** Ends all at once. */
  readonly close: () => Promise<void>;
}

/** One of them. */
export interface Replica extends Backend {
  readonly operator: OperatorProcess;
}

/** One of them that leads, with its name in the Lease. */
export interface Leader {
  readonly replica: Replica;
  readonly identity: string;
}

/** What they are started with. */
export interface ReplicasOptions {
  readonly adminKubeconfig: string;
  readonly count: number;
  readonly config: object;
  readonly flags: readonly string[];
}

const leaderWithinMs = 30_000;

/** Starts them; the webhook's URL is the balancer's. */
export async function startReplicas(options: ReplicasOptions): Promise<Replicas> {
  const balancer = await startWebhookBalancer();
  const first = await startReplica(options, balancer);
  const rest = Array.from({ length: options.count - 1 }, () =>
    startReplica(options, balancer, first.operator),
  );
  let alive: readonly Replica[] = [first, ...(await Promise.all(rest))];
  const gone: string[] = [];
  return {
    namespace: first.operator.namespace,
    alive: () => alive,
    leader: () =>
      untilReady('a replica leads', () => findLeader(alive), {
        ...{ withinMs: leaderWithinMs, everyMs: 20 },
      }),
    replace: async (replica) => {
      alive = alive.filter((one) => one !== replica);
      process.kill(replica.operator.pid, 'SIGKILL');
      gone.push(replica.operator.logs());
      // The first one's end would take the namespace along.
      if (replica !== first) await replica.operator.kill();
      alive = [...alive, await startReplica(options, balancer, first.operator)];
      balancer.remove(replica);
    },
    end: async (replica) => {
      if (replica === first) throw new Error('The first one would take the namespace along.');
      alive = alive.filter((one) => one !== replica);
      await replica.operator.stop();
      balancer.remove(replica);
    },
    logs: () => [...gone, ...alive.map(({ operator }) => operator.logs())].join(''),
    close: async () => {
      await Promise.all(
        alive.map(({ operator }) => operator !== first.operator && operator.kill()),
      );
      await first.operator.kill();
      await balancer.close();
    },
  };
}

async function startReplica(
  { adminKubeconfig, config, flags }: ReplicasOptions,
  balancer: WebhookBalancer,
  replicaOf?: OperatorProcess,
): Promise<Replica> {
  const [webhookPort = 0] = await freePorts(1);
  const operator = await startOperator({
    ...{ adminKubeconfig, config },
    flags: [`--webhook-url=${balancer.url}`, `--webhook-port=${webhookPort}`, ...flags],
    ...(replicaOf !== undefined && { replicaOf }),
  });
  const replica = { operator, webhookPort, healthUrl: operator.healthUrl };
  balancer.add(replica);
  return replica;
}

async function findLeader(replicas: readonly Replica[]): Promise<Leader | undefined> {
  for (const replica of replicas) {
    const url = `${replica.operator.debugUrl}/debug/actors/leadership`;
    const { state, context } = (await (await fetch(url)).json()) as {
      readonly state: readonly string[];
      readonly context: { readonly holder: string | null };
    };
    if (state.includes('Leading')) return { replica, identity: context.holder ?? '' };
  }
  return undefined;
}
