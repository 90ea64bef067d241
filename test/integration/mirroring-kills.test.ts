import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MatchingImage } from '#api/image-set-mirror-status.ts';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin, adminKubeconfig } from '#test/support/api-server/plane.ts';
import { seededRandom } from '#test/support/monitoring/pace-simulation.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { pushLayeredImage } from '#test/support/registries/layered-images.ts';
import { pullImage, tagsOf } from '#test/support/registries/pulled-image.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** An operator that is killed in the middle of copies, again and again. */
const kills = 20;
const imagesATerm = 4;
/** Read at 1.6 MB/s: an image takes half a second. */
const layers = [{ bytes: 400_000 }, { bytes: 300_000 }];
const pace = { kind: 'drip', bytes: 16_384, everyMs: 10 } as const;
const killedWithinMs = 500;
const flags = ['--lease-duration=2s', '--renew-deadline=1500ms', '--retry-period=300ms'];
const resources = '/apis/kuik.enix.io/v1alpha1/clusterimagesetmirrors';
/** Each of the terms waits out the Lease of the one before. */
const withinMs = 300_000;

let registries: readonly TestRegistry[];
let source: FaultRegistry;
let target: FaultRegistry;
let namespace: string;
let resource: string;
/** The first, whose namespace is the others', too. */
let operator: OperatorProcess;
/** Those that have not been killed: who leads, and who waits for that. */
let alive: OperatorProcess[] = [];
const images: string[] = [];

beforeAll(async () => {
  registries = await Promise.all([startRegistry(), startRegistry()]);
  const [from, to] = registries;
  source = await startFaultRegistry(from === undefined ? {} : { upstream: from });
  target = await startFaultRegistry(to === undefined ? {} : { upstream: to });
  source.setRules({ method: 'GET', path: /\/blobs\//, fault: pace });
  namespace = await createNamespace(admin(), 'mirror-kills');
  resource = await declare();
  operator = await start();
  alive = [operator];
});

afterAll(async () => {
  for (const replica of alive) if (replica !== operator) await replica.stop();
  await operator?.kill();
  await admin().remove(`${resources}/${resource}`);
  await removeNamespace(admin(), namespace);
  for (const front of [source, target]) await front?.close();
  for (const registry of registries ?? []) await registry.remove();
});

async function start(replicaOf?: OperatorProcess): Promise<OperatorProcess> {
  return await startOperator({
    ...{ adminKubeconfig: adminKubeconfig(), flags },
    ...(replicaOf !== undefined && { replicaOf }),
  });
}

/** Kills who leads. */
async function kill(): Promise<void> {
  const leader = alive.shift();
  if (leader === operator) process.kill(operator.pid, 'SIGKILL');
  else await leader?.kill();
}

async function declare(): Promise<string> {
  const { body } = await admin().create(resources, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterImageSetMirror',
    metadata: { generateName: 'kills-' },
    spec: {
      imageFilter: { include: [`${source.host}/.+`] },
      namespaceFilter: { include: [namespace] },
      mirrors: [{ registry: target.host, path: '/mirror' }],
    },
  });
  return body.metadata.name;
}

/** Images that nobody has copied yet, each with its Pod; resolves when one is being copied. */
async function addImages(count: number): Promise<void> {
  const [from] = registries;
  if (from === undefined) return;
  const before = target.traffic.blobBytesReceived();
  for (let index = 0; index < count; index += 1) {
    const name = `app-${images.length}`;
    images.push(`team/${name}`);
    await pushLayeredImage(from, `team/${name}:1`, { layers });
    await admin().create(`/api/v1/namespaces/${namespace}/pods`, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: { containers: [{ name: 'app', image: `${source.host}/team/${name}:1` }] },
    });
  }
  await eventually('a copy is under way', () => target.traffic.blobBytesReceived() > before, {
    withinMs: 40_000,
  });
}

async function recorded(): Promise<readonly MatchingImage[]> {
  return (await admin().get(`${resources}/${resource}`)).status?.matchingImages ?? [];
}

/** Of every image: what its tag holds is whole and right, and a status knows of it. */
async function expectSoundMirror(but: ReadonlySet<string> = new Set()): Promise<readonly string[]> {
  const [from, to] = registries;
  if (from === undefined || to === undefined) return [];
  const known = (await recorded()).flatMap(({ mirrors = [] }) => mirrors.map(({ image }) => image));
  const tagged: string[] = [];
  for (const image of images.filter((one) => !but.has(one))) {
    const path = `mirror/${image}`;
    const tags = await tagsOf(to, path);
    if (tags.length === 0) continue;
    expect(tags, path).toEqual(['1']);
    expect(known, path).toContain(`${target.host}/${path}:1`);
    const pulled = await pullImage(to, path, '1');
    expect(pulled?.problems, path).toEqual([]);
    expect(pulled).toEqual(await pullImage(from, image, '1'));
    tagged.push(image);
  }
  return tagged;
}

test(
  'twenty kills in mid-copy tag nothing that is not whole or not known, and all ends Available',
  async () => {
    const random = seededRandom(kills);
    const verified = new Set<string>();
    let cutShort = 0;
    for (let number = 0; number < kills; number += 1) {
      // Whoever leads has begun by then: the next one stands by.
      await addImages(1);
      alive.push(await start(operator));
      await addImages(imagesATerm);
      await delay(Math.floor(random() * killedWithinMs));
      await kill();
      const tagged = await expectSoundMirror(verified);
      for (const image of tagged) verified.add(image);
      if (verified.size < images.length) cutShort += 1;
    }
    await eventually(
      'all copies are Available',
      async () => {
        const copies = (await recorded()).flatMap(({ mirrors = [] }) => mirrors);
        const available = copies.filter(({ state }) => state === 'Available');
        return available.length === images.length;
      },
      { withinMs: 60_000 },
    );
    expect(await expectSoundMirror()).toHaveLength(images.length);
    // Otherwise nothing was tried: most kills fall into a copy.
    expect(cutShort).toBeGreaterThan(kills / 2);
    const blobs = images.length * (layers.length + 1);
    expect(source.traffic.requests()['GET blob'] ?? 0).toBeLessThan(3 * blobs);
  },
  withinMs,
);
