import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventsOf } from '#test/support/api-server/events.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { storePullSecret } from '#test/support/registries/pull-secret.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** The operator in its own process: what it lends to Pods, follows, takes away and tells. */
let operator: OperatorProcess;
/** Open, and has none of the images. */
let empty: TestRegistry;
/** Lets in its one user only. */
let guarded: TestRegistry;
/** Lets in nobody, and counts. */
let closed: FaultRegistry;

beforeAll(async () => {
  [empty, guarded, closed, operator] = await Promise.all([
    startRegistry(),
    startRegistry({ users: ['kuik'] }),
    startFaultRegistry({ auth: { kind: 'basic', users: {} } }),
    startOperator({ adminKubeconfig: adminKubeconfig() }),
  ]);
  await pushImage(guarded, 'team/app:1');
});
afterAll(async () => {
  await operator?.stop();
  await Promise.all([empty?.remove(), guarded?.remove(), closed?.close()]);
});

const sets = '/apis/kuik.enix.io/v1alpha1/clusterreplicatedimagesets';
const secretPath = (namespace: string, name: string) =>
  `/api/v1/namespaces/${namespace}/secrets/${name}`;

/** A docker config, by host: the user's name, all with the registries' password. */
function configOf(users: Readonly<Record<string, string>>): string {
  const entries = Object.entries(users).map(([host, username]) => [
    host,
    { username, password: registryPassword },
  ]);
  return JSON.stringify({ auths: Object.fromEntries(entries) });
}

/** A set whose other upstream, `other`, is lent a Secret of the namespace `vault`. */
async function lend(other: { host: string }, namespaces: readonly string[]) {
  const vault = await freshNamespace('vault');
  await storePullSecret(
    { namespace: vault, name: 'pull' },
    configOf({ [other.host]: 'kuik', 'quay.io': 'kuik' }),
  );
  const name = `lent-${randomBytes(4).toString('hex')}`;
  const upstreams = [
    { registry: empty.host, imageFilter: { include: ['/team/.+'] } },
    { registry: other.host, credentialSecret: { namespace: vault, name: 'pull' } },
  ];
  await admin().create(sets, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterReplicatedImageSet',
    metadata: { name },
    spec: { namespaceFilter: { include: namespaces }, upstreams },
  });
  const path = `${sets}/${name}`;
  onTestFinished(() => admin().remove(path));
  const [namespace = ''] = namespaces;
  const url = `${operator.debugUrl}/debug/route?namespace=${namespace}&image=${empty.host}/team/x:1`;
  await eventually('the set is in force', async () => {
    const { candidates } = (await (await fetch(url)).json()) as { candidates: unknown[] };
    return candidates.length === 2;
  });
  return { vault, path, upstreams };
}

/** A Pod as the API server stored it. */
async function createPod(
  namespace: string,
  { pullSecrets = [] as readonly string[], owner = '', query = {} } = {},
) {
  const of = { apiVersion: 'v1', kind: 'ReplicationController' };
  const controller = { ...of, name: 'owner', controller: true };
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const { status, body } = await admin().call('POST', path, {
    query,
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        generateName: 'pod-',
        ...(owner !== '' && { ownerReferences: [{ ...controller, uid: owner }] }),
      },
      spec: {
        containers: [{ name: 'app', image: `${empty.host}/team/app:1` }],
        imagePullSecrets: pullSecrets.map((name) => ({ name })),
      },
    },
  });
  expect([status, body.message]).toEqual([201, undefined]);
  return body;
}

async function copiesIn(namespace: string) {
  const query = { labelSelector: 'kuik.enix.io/owner-uid' };
  const answer = await admin().call('GET', `/api/v1/namespaces/${namespace}/secrets`, { query });
  return answer.body.items as {
    metadata: { name: string; uid: string };
    type: string;
    data: Readonly<Record<string, string>>;
  }[];
}

const textOf = (copy: { data: Readonly<Record<string, string>> } | undefined) =>
  atob(copy?.data['.dockerconfigjson'] ?? '');

/** A Pod that was lent the Secret, with the copy that it names. */
async function lentPod(namespace: string) {
  const pod = await createPod(namespace);
  const copies = await copiesIn(namespace);
  expect(pod.spec.containers[0].image).toBe(`${guarded.host}/team/app:1`);
  expect(pod.spec.imagePullSecrets).toEqual([{ name: copies[0]?.metadata.name }]);
  return { pod, copies };
}

describe('a Secret that is lent', () => {
  test('is beside the Pod, with only what is declared, and in no other namespace', async () => {
    const [namespace, other] = [await freshNamespace(), await freshNamespace()];
    await lend(guarded, [namespace]);
    const { copies } = await lentPod(namespace);
    expect(copies.map(textOf)).toEqual([configOf({ [guarded.host]: 'kuik' })]);
    const elsewhere = await createPod(other);
    expect(elsewhere.spec.containers[0].image).toBe(`${empty.host}/team/app:1`);
    expect(await copiesIn(other)).toEqual([]);
  });

  test('follows its source within seconds, in all namespaces', async () => {
    const namespaces = [await freshNamespace(), await freshNamespace()];
    const { vault } = await lend(guarded, namespaces);
    for (const namespace of namespaces) await lentPod(namespace);
    const text = configOf({ [guarded.host]: 'rotated', 'quay.io': 'rotated' });
    await admin().merge(secretPath(vault, 'pull'), { stringData: { '.dockerconfigjson': text } });
    await eventually('the copies are as their source', async () => {
      const copies = await Promise.all(namespaces.map(copiesIn));
      const expected = configOf({ [guarded.host]: 'rotated' });
      return copies.flat().length === 2 && copies.flat().every((copy) => textOf(copy) === expected);
    });
  });

  test('goes when the resource names it no more, and again when the resource goes', async () => {
    const namespace = await freshNamespace();
    const { path, upstreams } = await lend(guarded, [namespace]);
    await lentPod(namespace);
    const without = upstreams.map(({ credentialSecret: _, ...upstream }) => upstream);
    await admin().merge(path, { spec: { upstreams: without } });
    await eventually('the copy is gone', async () => (await copiesIn(namespace)).length === 0);
    await admin().merge(path, { spec: { upstreams } });
    await eventually('the Pod that still names it has it back', async () => {
      return (await copiesIn(namespace)).length === 1;
    });
    await admin().remove(path);
    const withinMs = 45_000;
    await eventually('it is collected', async () => (await copiesIn(namespace)).length === 0, {
      withinMs,
    });
  });
});

describe('what a Pod is told', () => {
  test('is one event on the Pod that was rewritten, not one a change', async () => {
    const namespace = await freshNamespace();
    await lend(guarded, [namespace]);
    const { pod } = await lentPod(namespace);
    const path = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}`;
    await admin().merge(path, { metadata: { labels: { changed: 'yes' } } });
    const later = await lentPod(namespace);
    const told = async (uid: string) =>
      (await eventsOf(uid, namespace)).filter(({ reason }) => reason === 'Rewritten');
    await eventually('the later one is told', async () => {
      return (await told(later.pod.metadata.uid)).length === 1;
    });
    const events = await told(pod.metadata.uid);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ type: 'Normal', regarding: { kind: 'Pod' } });
    const runs = `app runs ${guarded.host}/team/app:1 instead of ${empty.host}/team/app:1`;
    expect(events[0]?.note).toContain(runs);
    expect(events[0]?.note).toContain('OriginalNotFound, ClusterReplicatedImageSet/lent-');
  });

  test('is one event on its owner where nothing answered, and nothing on a dry run; at most five credentials are tried', async () => {
    const namespace = await freshNamespace();
    const { vault } = await lend(closed, [namespace]);
    const names = Array.from({ length: 7 }, (_, index) => `own-${index}`);
    for (const name of names) {
      await storePullSecret({ namespace, name }, configOf({ [closed.host]: name }));
    }
    const owner = async (name: string) => {
      const labels = { made: 'never' };
      const containers = [{ name: 'app', image: 'app' }];
      const template = { metadata: { labels }, spec: { containers } };
      const body = {
        ...{ apiVersion: 'v1', kind: 'ReplicationController', metadata: { name } },
        spec: { replicas: 0, selector: labels, template },
      };
      const path = `/api/v1/namespaces/${namespace}/replicationcontrollers`;
      const created = await admin().create(path, body);
      return created.body.metadata.uid as string;
    };
    const [real, dry] = [await owner('owner'), await owner('dry')];
    await createPod(namespace, { owner: dry, query: { dryRun: 'All' } });
    closed.resetCounts();
    await createPod(namespace, { owner: real, pullSecrets: names });
    const tried = closed.requests().flatMap(({ authorization }) => authorization ?? []);
    expect(new Set(tried).size).toBe(5);
    expect(atob(tried[0]?.replace('Basic ', '') ?? '')).toBe(`kuik:${registryPassword}`);
    for (let pods = 0; pods < 2; pods += 1) {
      await createPod(namespace, { owner: real, pullSecrets: names });
    }
    await createPod(namespace, { pullSecrets: names });
    const events = await eventually('the owner is told', async () => {
      const found = await eventsOf(real, namespace);
      return found.length > 0 && found;
    });
    expect(events).toMatchObject([{ type: 'Warning', reason: 'NothingAvailable' }]);
    expect(events[0]?.note).toContain(`${closed.host}/team/app:1 (InvalidAuth`);
    expect(await eventsOf(dry, namespace)).toEqual([]);
    expect((await copiesIn(namespace)).concat(await copiesIn(vault))).toEqual([]);
  });
});
