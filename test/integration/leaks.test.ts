import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { openWebhook, type WebhookClient } from '#test/support/operator/webhook-client.ts';
import { freePorts } from '#test/support/processes/child-process.ts';
import { type TemporaryDirectory, temporaryDirectory } from '#test/support/processes/guardian.ts';
import { memoryAfterGarbageCollection } from '#test/support/processes/heap.ts';
import { connectedTo, metricAt } from '#test/support/processes/process-use.ts';
import {
  type BlackHole,
  startFullBacklog,
  startSilentHost,
} from '#test/support/registries/black-hole.ts';
import { type LightRegistry, startLightRegistry } from '#test/support/registries/light-registry.ts';
import { storePullSecret } from '#test/support/registries/pull-secret.ts';
import { nextRegistryPort } from '#test/support/registries/registry-ports.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';
import { clusterSet } from '#test/support/routing/resources.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Fifty registries that cannot be reached, each in its way, and one that can. */
const refusedCount = 30;
const silentCount = 8;
const fullCount = 2;
const namelessCount = 10;
const setsCount = 2;
const reviewsCount = 1_000;
const reviewsAtOnce = 16;
/** Kept alive for the next question, as many as a registry is asked at once. */
const connectionsToOneRegistry = 4;
/** Calls at once; each goes half a minute after its last use. */
const connectionsToApiServer = 16;
/** Those of the two mirror kinds are opened anew each quarter of a minute; the old ones go a second later. */
const watchesOpenedAnew = 2;
/** What was being connected goes on to its own timeout of 5 s, twice where questions waited behind it. */
const drainedWithinMs = 45_000;
/** Answers remembered: 1,000 a registry of about 500 bytes each, and as much beside them. */
const heapGrowthBytesMax = 8 * 1024 * 1024;

let directory: TemporaryDirectory;
let alive: LightRegistry;
let holes: BlackHole[];
let dead: string[];
let operator: OperatorProcess;
let inspectPort: number;
let webhook: WebhookClient | undefined;

beforeAll(async () => {
  const authority = await makeAuthority();
  directory = temporaryDirectory('leaks');
  const authorityFile = join(directory.path, 'authority.pem');
  writeFileSync(authorityFile, authority.pem);
  alive = await startLightRegistry(await authority.issue());
  holes = [];
  for (let index = 0; index < silentCount; index += 1) holes.push(await startSilentHost());
  for (let index = 0; index < fullCount; index += 1) holes.push(await startFullBacklog());
  [inspectPort = 0] = await freePorts(1);
  dead = [
    ...Array.from({ length: refusedCount }, () => `127.0.0.1:${nextRegistryPort()}`),
    ...holes.map(({ host }) => host),
    ...Array.from({ length: namelessCount }, (_, index) => `no-such-host-${index}.invalid`),
  ];
  operator = await startOperator({
    adminKubeconfig: adminKubeconfig(),
    config: { routing: { activeCheck: { timeout: '500ms' } } },
    flags: ['--log-level=info'],
    env: {
      NODE_EXTRA_CA_CERTS: authorityFile,
      NODE_OPTIONS: `--inspect=127.0.0.1:${inspectPort}`,
    },
  });
});

afterAll(async () => {
  await webhook?.close();
  await operator?.stop();
  await alive?.close();
  for (const hole of holes ?? []) await hole.close();
  directory?.remove();
});

/** Each set says that half of the dead registries hold what the living one holds. */
async function declareSets(secrets: string): Promise<void> {
  const auths = { [alive.host]: { username: 'alice', password: 'x' } };
  await storePullSecret({ namespace: secrets, name: 'pull' }, { auths });
  const path = '/apis/kuik.enix.io/v1alpha1/clusterreplicatedimagesets';
  for (let which = 0; which < setsCount; which += 1) {
    const upstreams = dead
      .filter((_, index) => index % setsCount === which)
      .map((registry) => ({ registry, imageFilter: { include: ['/team/.+'] } }));
    const credentialSecret = { name: 'pull', namespace: secrets };
    const name = `${secrets}-${which}`;
    const set = clusterSet(name, {
      upstreams: [...upstreams, { registry: alive.host, credentialSecret }],
    });
    await admin().create(path, { ...set, metadata: { name } });
    // It would have a say in the next run on this control plane, and in other tests of it.
    onTestFinished(() => admin().remove(`${path}/${name}`));
  }
}

async function actorIds(type = ''): Promise<readonly string[]> {
  const query = type === '' ? '?limit=200' : `?limit=200&type=${type}`;
  const answer = await fetch(`${operator.debugUrl}/debug/actors${query}`);
  const { actors } = (await answer.json()) as { actors: readonly { id: string }[] };
  return actors.map(({ id }) => id);
}

async function secretsIn(namespace: string): Promise<number> {
  return (await admin().get(`/api/v1/namespaces/${namespace}/secrets`)).items.length;
}

/** Reviews of images on the dead registries in turn, each an image of its own. */
async function reviewMany(namespace: string, count: number, tag: string): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const number = next;
      next += 1;
      const image = `${dead[number % dead.length]}/team/app:${tag}-${number}`;
      const pod = await webhook?.review({ namespace, image });
      expect(pod?.image).toBe(`${alive.host}/team/app:${tag}-${number}`);
      expect(pod?.pullSecrets).toHaveLength(1);
    }
  };
  await Promise.all(Array.from({ length: reviewsAtOnce }, worker));
}

test('50 unreachable registries and 1,000 admissions leave no socket, timer, actor or Secret behind', async () => {
  const beganMs = performance.now();
  const [pods, secrets] = [await freshNamespace(), await freshNamespace()];
  const timers = () => metricAt(operator.metricsUrl, 'nodejs_active_resources{type="Timeout"}');
  const heap = async () =>
    (await memoryAfterGarbageCollection(operator.pid, inspectPort)).heapBytes;
  await declareSets(secrets);
  webhook = await openWebhook(admin(), operator);
  const endsBefore = connectedTo(operator.pid).length;
  const timersBefore = await timers();
  const reviewsBefore = await operator.reviews();

  // The routing table follows; then the first to ask about each dead registry finds out.
  const image = `${dead[0]}/team/app:first`;
  await eventually('the sets are in force', async () => {
    const pod = await webhook?.review({ namespace: pods, image });
    return pod?.image === `${alive.host}/team/app:first`;
  });
  await reviewMany(pods, dead.length, 'warm');
  // With what the sets brought: a watch of the Secret that they lend.
  const others = (await actorIds()).filter((id) => !id.startsWith('registry:'));
  const heapBefore = await heap();
  await reviewMany(pods, reviewsCount, 'many');
  expect(await operator.reviews()).toBeGreaterThan(reviewsBefore + reviewsCount);
  await webhook.close();
  webhook = undefined;

  // Background probes go on, 5 s apart, and a connection that nobody takes is given up after 5 s: of
  // a registry that does not even refuse there is one, and never a second.
  const noneIsLeft = () => {
    const ends = connectedTo(operator.pid);
    const toDead = ends.filter((end) => dead.includes(end));
    expect(toDead.filter((end, index) => toDead.indexOf(end) < index)).toEqual([]);
    expect(toDead.length).toBeLessThanOrEqual(holes.length);
    expect(ends.filter((end) => end === alive.host).length).toBeLessThanOrEqual(
      connectionsToOneRegistry,
    );
    expect(ends.length - toDead.length - endsBefore).toBeLessThanOrEqual(
      connectionsToOneRegistry + connectionsToApiServer + watchesOpenedAnew,
    );
    return true;
  };
  await eventually('no connection is left but those kept for the next question', noneIsLeft, {
    withinMs: drainedWithinMs,
  });
  await eventually('no timer is left', async () => {
    expect(await timers()).toBeLessThanOrEqual(timersBefore + 2);
    return true;
  });
  // One actor each until nobody has asked for ten minutes: bounded, not gone.
  expect(await actorIds('registry')).toHaveLength(dead.length + 1);
  const now = (await actorIds()).filter((id) => !id.startsWith('registry:'));
  expect(now).toEqual(others);
  // One copy a resource and namespace, however many Pods need it.
  expect(await secretsIn(pods)).toBe(setsCount);
  expect(await secretsIn(secrets)).toBe(1);
  expect((await heap()) - heapBefore).toBeLessThan(heapGrowthBytesMax);
  // Whoever met it before it was known to be dead, and background probes: 1, 2 and 4 s apart, then 5.
  const probes = 3 + Math.ceil((performance.now() - beganMs) / 5_000);
  for (const hole of holes) expect(hole.connections()).toBeLessThanOrEqual(reviewsAtOnce + probes);
});
