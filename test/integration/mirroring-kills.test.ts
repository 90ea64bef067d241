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
const imagesATerm = 3;
/** Read at 1.6 MB/s: an image takes half a second. */
const layers = [{ bytes: 400_000 }, { bytes: 300_000 }];
const pace = { kind: 'drip', bytes: 16_384, everyMs: 10 } as const;
const killedWithinMs = 1_000;
const flags = ['--lease-duration=2s', '--renew-deadline=1500ms', '--retry-period=300ms'];
const resources = '/apis/kuik.enix.io/v1alpha1/clusterimagesetmirrors';
/** Each of the terms waits out the Lease of the one before. */
const withinMs = 300_000;

let registries: readonly TestRegistry[];
let source: FaultRegistry;
let target: FaultRegistry;
let namespace: string;
let resource: string;
let operator: OperatorProcess;
let latest: OperatorProcess | undefined;
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
});

afterAll(async () => {
  await latest?.stop();
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

/** Images that nobody has copied yet, each with its Pod. */
async function addImages(): Promise<void> {
  const [from] = registries;
  if (from === undefined) return;
  for (let index = 0; index < imagesATerm; index += 1) {
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
}

async function recorded(): Promise<readonly MatchingImage[]> {
  return (await admin().get(`${resources}/${resource}`)).status?.matchingImages ?? [];
}

/** Of every image: what its tag holds is whole and right, and a status knows of it. */
async function expectSoundMirror(): Promise<readonly string[]> {
  const [from, to] = registries;
  if (from === undefined || to === undefined) return [];
  const known = (await recorded()).flatMap(({ mirrors = [] }) => mirrors.map(({ image }) => image));
  const tagged: string[] = [];
  for (const image of images) {
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
    let cutShort = 0;
    for (let number = 0; number < kills; number += 1) {
      await addImages();
      const before = target.traffic.blobBytesReceived();
      await eventually('a copy is under way', () => target.traffic.blobBytesReceived() > before, {
        withinMs: 40_000,
      });
      await delay(Math.floor(random() * killedWithinMs));
      if (latest === undefined) process.kill(operator.pid, 'SIGKILL');
      else await latest.kill();
      const tagged = await expectSoundMirror();
      if (tagged.length < images.length) cutShort += 1;
      latest = await start(operator);
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
