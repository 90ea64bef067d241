import { onTestFinished } from 'vitest';
import { createActor } from 'xstate';
import { secretCopiesLogic } from '#actors/secrets/keep-secret-copies.ts';
import type { PlacedCopy } from '#actors/secrets/read-secret.ts';
import { secretCopyName } from '#actors/secrets/secret-copy.ts';
import type { ClusterReplicatedImageSet } from '#api/replicated-image-set.ts';
import { Listeners } from '#core/listeners.ts';
import { compileTable, type RoutingTable } from '#core/routing/table.ts';
import type { SecretAnswer } from '#core/secret.ts';
import type { KubeClient } from '#kube/client.ts';
import { createInterner } from '#kube/intern.ts';
import { type SlimPod, slimPod } from '#kube/slim-pod.ts';
import { createStore } from '#kube/store.ts';
import { adminClient } from '#test/support/api-server/kube-client.ts';
import { admin } from '#test/support/api-server/plane.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

const sets = '/apis/kuik.enix.io/v1alpha1/clusterreplicatedimagesets';
const dockerConfig = 'kubernetes.io/dockerconfigjson';

/** A docker config for these hosts, all with one user. */
export function dockerConfigOf(username: string, ...hosts: readonly string[]): string {
  const entries = hosts.map((host) => [host, { username, password: 'secret' }]);
  return JSON.stringify({ auths: Object.fromEntries(entries) });
}

/** What the source says: undefined is a Secret that is not there. */
export type Source = { readonly type?: string; readonly text: string } | undefined;

/**
 * The keeping of copies on the real API server, in simulated time: one real set that lends
 * `kuik-system/pull` for `registry.example.com/team` to all namespaces but those called `out-…`.
 */
export async function stageCopies() {
  const spec = {
    namespaceFilter: { exclude: ['out-.*'] },
    upstreams: [
      {
        registry: 'registry.example.com',
        path: '/team',
        credentialSecret: { namespace: 'kuik-system', name: 'pull' },
      },
    ],
  };
  const created = await admin().create(sets, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterReplicatedImageSet',
    metadata: { generateName: 'hub-' },
    spec,
  });
  const set = created.body as ClusterReplicatedImageSet;
  const { name, uid = '' } = set.metadata;
  const owner = { kind: set.kind, name, uid };
  onTestFinished(() => admin().remove(`${sets}/${name}`));
  const world = createWorld(set);
  const counted = countLists(await adminClient());
  return {
    ...world,
    owner,
    copyName: await secretCopyName({ namespace: 'kuik-system', name: 'pull' }, owner),
    lead: leaderOf(world, counted.client),
    /** How often all copies were listed, once the answer is there. */
    lists: counted.lists,
  };
}

function countLists(client: KubeClient) {
  let lists = 0;
  const call: KubeClient['call'] = async (asked, signal) => {
    const answer = await client.call(asked, signal);
    if (asked.path === '/api/v1/secrets') lists += 1;
    return answer as never;
  };
  return { client: { ...client, call }, lists: () => lists };
}

function createWorld(set: ClusterReplicatedImageSet) {
  const changes = new Listeners<[table: RoutingTable]>();
  const promises = new Listeners<[copy: PlacedCopy]>();
  const runtime = createTestRuntime();
  const pods = createStore<SlimPod>();
  const interner = createInterner();
  let table = compileTable([set]);
  let source: SecretAnswer = { kind: 'missing' };
  const { subscribe } = changes;
  const change = () => changes.tell(table);
  return {
    runtime,
    clock: runtime.clock,
    pods,
    table: { current: () => table, subscribe, stop: () => undefined },
    sources: { find: () => source, subscribe },
    placer: promises,
    promise: promises.tell,
    setSource: (next: Source) => {
      source = next === undefined ? { kind: 'missing' } : found(next);
      change();
    },
    /** The set as it is from now on, stored or not. */
    setResource: (next: ClusterReplicatedImageSet) => {
      table = compileTable([next], table);
      change();
    },
    set,
    putPod: (namespace: string, pullSecret: string) => {
      const metadata = { namespace, name: 'app', uid: 'app' };
      const pod = { metadata, spec: { imagePullSecrets: [{ name: pullSecret }] } };
      pods.put(`${namespace}/app`, slimPod(pod, interner));
    },
  };
}

function found({ type = dockerConfig, text }: NonNullable<Source>): SecretAnswer {
  const data = { [type === dockerConfig ? '.dockerconfigjson' : '.dockercfg']: text };
  const secret = { namespace: 'kuik-system', name: 'pull', type, data };
  return { kind: 'found', isCopy: false, secret };
}

/** Starts a leader; the answer ends its term. */
function leaderOf(world: ReturnType<typeof createWorld>, client: KubeClient): () => () => void {
  const { runtime, pods } = world;
  world.pods.finishList(new Set());
  return () => {
    const logic = secretCopiesLogic(runtime, {
      ...world,
      ...{ client, resources: { pods, kuik: new Map() } },
    });
    const actor = createActor(logic, { clock: runtime.clock });
    actor.start();
    onTestFinished(() => void actor.stop());
    return () => void actor.stop();
  };
}
