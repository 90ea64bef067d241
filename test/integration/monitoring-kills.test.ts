import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin, adminKubeconfig } from '#test/support/api-server/plane.ts';
import { type StatusWrites, watchStatusWrites } from '#test/support/monitoring/status-writes.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { type TemporaryDirectory, temporaryDirectory } from '#test/support/processes/guardian.ts';
import { type LightRegistry, startLightRegistry } from '#test/support/registries/light-registry.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** An operator that is killed again and again: what its next one knows, and what it asks again. */
const kills = 5;
const imagesCount = 40;
const checksPerSecond = 8;
const pace = { interval: '1s', maxPerInterval: checksPerSecond };
/** `lastMonitor` has whole seconds: those of one second have no order among them. */
const unordered = 2 * checksPerSecond;
const recordedWithinMs = 2_000;
/** Behaviour §6, for 40 images listed. */
const statusIntervalMs = 1_000;
const flags = ['--lease-duration=3s', '--renew-deadline=2s', '--retry-period=500ms'];
const resources = '/apis/kuik.enix.io/v1alpha1/clusterimagesetavailabilities';

let directory: TemporaryDirectory;
let authorityFile: string;
let registry: LightRegistry;
let namespace: string;
let resource: string;
let writes: StatusWrites;
let operator: OperatorProcess;
let latest: OperatorProcess | undefined;
/** Requests as they came: which image, and when. */
const requests: { readonly image: string; readonly atMs: number }[] = [];

beforeAll(async () => {
  const authority = await makeAuthority();
  directory = temporaryDirectory('kills');
  authorityFile = join(directory.path, 'authority.pem');
  writeFileSync(authorityFile, authority.pem);
  registry = await startLightRegistry(await authority.issue(), (path) => {
    const repository = /^\/v2\/(.+)\/manifests\//.exec(path)?.[1];
    if (repository === undefined) return;
    requests.push({ image: `${registry.host}/${repository}:1`, atMs: Date.now() });
  });
  namespace = await createNamespace(admin(), 'kills');
  for (let index = 0; index < imagesCount; index += 1) await createPod(index);
  resource = await declare();
  writes = await watchStatusWrites(adminKubeconfig(), resource);
  operator = await start();
});

afterAll(async () => {
  await latest?.stop();
  await operator?.kill();
  await writes?.close();
  await admin().remove(`${resources}/${resource}`);
  await removeNamespace(admin(), namespace);
  await registry?.close();
  directory?.remove();
});

async function start(replicaOf?: OperatorProcess): Promise<OperatorProcess> {
  return await startOperator({
    ...{ adminKubeconfig: adminKubeconfig(), flags },
    ...(replicaOf !== undefined && { replicaOf }),
    config: { monitoring: { registries: { default: pace } } },
    env: { NODE_EXTRA_CA_CERTS: authorityFile },
  });
}

async function createPod(index: number): Promise<void> {
  const image = `${registry.host}/team/app-${index}:1`;
  await admin().create(`/api/v1/namespaces/${namespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `app-${index}` },
    spec: { containers: [{ name: 'app', image }] },
  });
}

async function declare(): Promise<string> {
  const { body } = await admin().create(resources, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterImageSetAvailability',
    metadata: { generateName: 'kills-' },
    spec: {
      imageFilter: { include: ['.+'] },
      namespaceFilter: { include: [namespace] },
      unusedImageExpiry: '720h',
    },
  });
  return body.metadata.name;
}

interface Entry {
  readonly image: string;
  readonly lastMonitor?: string;
  readonly unusedSince?: string;
}

async function entries(): Promise<readonly Entry[]> {
  return (await admin().get(`${resources}/${resource}`)).status?.images ?? [];
}

/** Waits until the operator that runs now has sent so many checks more. */
async function checked(count: number): Promise<void> {
  const before = requests.length;
  await eventually(`${count} more checks`, () => requests.length >= before + count, {
    withinMs: 40_000,
  });
}

/** What one kill cost. */
interface Kill {
  /** Age of the oldest check that the status says nothing of. */
  readonly lostMs: number;
  /** Images whose last check the status says nothing of → how many such checks. */
  readonly lost: ReadonlyMap<string, number>;
  /** The longest time from one write of the status to the next, in this term from its first check on. */
  readonly intervalMs: number;
}

/** Kills the operator that runs now; the first one's namespace is the others', too, and stays. */
async function kill(term: { readonly sinceMs: number }): Promise<Kill> {
  const atMs = Date.now();
  if (latest === undefined) process.kill(operator.pid, 'SIGKILL');
  else await latest.kill();
  const said = new Map(
    (await entries()).map(({ image, lastMonitor }) => [image, Date.parse(lastMonitor ?? '')]),
  );
  // A check is recorded when it began, in whole seconds; the next one comes a round later.
  const unsaid = requests.filter(
    ({ image, atMs: sentMs }) =>
      sentMs >= term.sinceMs && !(sentMs < (said.get(image) ?? 0) + recordedWithinMs),
  );
  const lost = new Map<string, number>();
  for (const { image } of unsaid) lost.set(image, (lost.get(image) ?? 0) + 1);
  const since = ({ atMs: whenMs }: { readonly atMs: number }) => whenMs >= term.sinceMs;
  const [first] = requests.filter(since);
  const times = writes
    .all()
    .filter(since)
    .map((write) => write.atMs);
  return {
    lost,
    lostMs: atMs - Math.min(atMs, ...unsaid.map((request) => request.atMs)),
    intervalMs: Math.max(statusIntervalMs, ...gaps([first?.atMs ?? atMs, ...times, atMs])),
  };
}

function gaps(times: readonly number[]): readonly number[] {
  return times.slice(1).map((time, index) => time - (times[index] ?? time));
}

/** Checks that came before nearly all the others had had their turn. */
function earlyRepeats(): readonly { readonly image: string }[] {
  const last = new Map<string, number>();
  return requests.flatMap(({ image }, index) => {
    const before = last.get(image);
    last.set(image, index);
    if (before === undefined) return [];
    const others = new Set(requests.slice(before + 1, index).map((request) => request.image));
    return others.size < imagesCount - 1 - unordered ? [{ image }] : [];
  });
}

/** Each of the five terms waits out the Lease of the one that was killed, and runs for a while. */
const withinMs = 120_000;

test(
  'five kills lose nothing older than two status intervals, and an image is checked at most once more',
  async () => {
    const all = imagesCount;
    await checked(all);
    const path = `/api/v1/namespaces/${namespace}/pods/app-0`;
    await admin().call('DELETE', path, { query: { gracePeriodSeconds: '0' } });
    const unused = `${registry.host}/team/app-0:1`;
    const unusedSince = await eventually('the status says since when it is unused', async () => {
      return (await entries()).find(({ image }) => image === unused)?.unusedSince;
    });
    const killed: Kill[] = [];
    let term = { sinceMs: 0 };
    for (let number = 0; number < kills; number += 1) {
      // A round takes five seconds: anywhere in it, and anywhere between two writes.
      await checked(1 + Math.floor(Math.random() * 3 * checksPerSecond));
      killed.push(await kill(term));
      term = { sinceMs: Date.now() };
      latest = await start(operator);
    }
    await checked(all + unordered);

    for (const { lost, lostMs, intervalMs } of killed) {
      expect(intervalMs).toBeLessThan(10_000);
      expect(lostMs).toBeLessThanOrEqual(2 * intervalMs);
      expect([...lost.values()].every((count) => count === 1)).toBe(true);
    }
    const early = earlyRepeats();
    for (const { image } of early) {
      const times = early.filter((repeat) => repeat.image === image).length;
      const losses = killed.filter(({ lost }) => lost.has(image)).length;
      expect(times, `${image} was checked early`).toBeLessThanOrEqual(losses);
    }
    const after = await entries();
    expect(after).toHaveLength(imagesCount);
    expect(after.find(({ image }) => image === unused)?.unusedSince).toBe(unusedSince);
  },
  withinMs,
);
