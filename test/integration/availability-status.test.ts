import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createActor } from 'xstate';
import { overflowShards } from '#actors/overflow-shards.ts';
import { availabilityRestorer } from '#actors/restore-availability.ts';
import { createWakeHeap } from '#actors/wake.ts';
import { type AvailabilityWriter, availabilityWriter } from '#actors/write-availability.ts';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import type { ApiCall, KubeClient } from '#kube/client.ts';
import { createLog } from '#telemetry/log.ts';
import { eventually } from '#test/support/eventually.ts';
import { adminClient } from '#test/support/kube-client.ts';
import { admin, freshNamespace } from '#test/support/plane.ts';
import {
  createTrackedImages,
  manyTracked,
  someTimeMs,
  type TrackedImagesTwin,
  tracked,
} from '#test/support/tracked-images.ts';

const base = '/apis/kuik.enix.io/v1alpha1/clusterimagesetavailabilities';
const log = createLog({ level: 'fatal', format: 'json' });

/** One resource on the real API server, and what writes its status, with every call it makes. */
interface Stage {
  readonly name: string;
  readonly namespace: string;
  readonly images: TrackedImagesTwin;
  /** Calls that write, with the monotonic time of each. */
  readonly writes: { readonly call: ApiCall; readonly atMs: number; readonly bytes: number }[];
  readonly client: Pick<KubeClient, 'call'>;
}

let stages = 0;
let stage: Stage;

beforeEach(async () => {
  const kube = await adminClient();
  const writes: Stage['writes'] = [];
  stages += 1;
  const name = `all-${process.pid}-${stages}`;
  stage = {
    name,
    namespace: await freshNamespace(),
    images: createTrackedImages(name),
    writes,
    client: {
      call: (call, signal) => {
        const bytes = Buffer.byteLength(JSON.stringify(call.body ?? ''));
        if (call.method !== 'GET') writes.push({ call, atMs: performance.now(), bytes });
        return kube.call(call, signal);
      },
    },
  };
  await admin().create(base, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterImageSetAvailability',
    metadata: { name },
    spec: { imageFilter: { include: ['.*'] } },
  });
  onTestFinished(() => admin().remove(`${base}/${name}`));
});

/** The service as the leader runs it, until it is stopped or the test is over. */
function lead(): AvailabilityWriter & { readonly stop: () => void } {
  const wake = createWakeHeap();
  const { client, namespace, images } = stage;
  const overflow = overflowShards(client, namespace);
  const writer = availabilityWriter({
    ...{ client, overflow, wake, log },
    tracked: images,
    random: Math.random,
  });
  const actor = createActor(writer.logic).start();
  const stop = () => {
    actor.stop();
    wake.close();
  };
  onTestFinished(stop);
  return { ...writer, stop };
}

async function restore(): Promise<readonly TrackedImage[]> {
  const wake = createWakeHeap();
  const { client, namespace, name } = stage;
  const overflow = overflowShards(client, namespace);
  const restorer = availabilityRestorer({ client, overflow, wake, random: Math.random, log });
  const images = await restorer(name, new AbortController().signal);
  wake.close();
  return images;
}

const one = (image: string, given: Partial<TrackedImage> = {}) =>
  tracked(image, { resource: stage.name, ...given });
const many = (count: number) =>
  manyTracked(count).map((image) => ({ ...image, resource: stage.name }));
const statusOf = async () => (await admin().get(`${base}/${stage.name}`)).status;
const shardsOf = async () =>
  (await admin().get(`/api/v1/namespaces/${stage.namespace}/configmaps`)).items.filter(
    ({ metadata }: { metadata: { name: string } }) => metadata.name.startsWith('kuik-overflow-'),
  );
const statusWrites = () => stage.writes.filter(({ call }) => call.path.endsWith('/status'));
const byImage = (left: TrackedImage, right: TrackedImage) => (left.image < right.image ? -1 : 1);

describe('the status of a resource', () => {
  test('says what is tracked, counts it, and is written again only when that changes', async () => {
    stage.images.put(
      one('docker.io/library/nginx:1'),
      one('quay.io/team/app', { status: 'NotFound', lastError: 'manifest unknown' }),
      one('quay.io/team/new:1', { status: 'Scheduled' }),
    );
    lead();
    const status = await eventually('the status is written', statusOf);
    expect(status).toMatchObject({ imageCount: 3, availableCount: 1, missingCount: 1 });
    expect(status.images.map(({ image }: { image: string }) => image)).toEqual([
      'quay.io/team/app',
      'docker.io/library/nginx:1',
      'quay.io/team/new:1',
    ]);
    stage.images.put(one('docker.io/library/nginx:1'));
    stage.images.put(one('docker.io/library/nginx:1', { unusedSinceMs: someTimeMs }));
    await eventually('the change is written', async () =>
      JSON.stringify(await statusOf()).includes('unusedSince'),
    );
    expect(statusWrites()).toHaveLength(2);
    stage.images.remove(...stage.images.imagesOf(stage.name));
    await eventually('nothing is left', async () => (await statusOf()).imageCount === 0);
    expect((await statusOf()).images).toEqual([]);
  });

  test('takes over what kuik v2 wrote, conditions aside, and restores it', async () => {
    const found = await admin().get(`${base}/${stage.name}`);
    const condition = {
      ...{ type: 'Ready', status: 'True', reason: 'Ready', message: 'Fine.' },
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    const written = {
      conditions: [condition],
      imageCount: 4,
      images: [
        {
          image: 'docker.io/library/nginx:1',
          status: 'Available',
          lastMonitor: '2026-03-01T11:00:00Z',
        },
        { image: 'quay.io/team/gone', status: 'NotFound', lastError: 'manifest unknown' },
        { image: 'quay.io/team/old:1', unusedSince: '2026-02-01T00:00:00Z' },
        { image: 'NOT AN IMAGE' },
      ],
    };
    const answer = await admin().call('PUT', `${base}/${stage.name}/status`, {
      body: { ...found, status: written },
      query: { fieldManager: 'manager' },
    });
    expect(answer.status).toBe(200);
    const restored = await restore();
    expect(restored.toSorted(byImage)).toEqual([
      one('docker.io/library/nginx:1', { lastMonitorMs: Date.parse('2026-03-01T11:00:00Z') }),
      {
        ...{ resource: stage.name, image: 'quay.io/team/gone', registry: 'quay.io' },
        ...{ status: 'NotFound', original: true, lastError: 'manifest unknown' },
      },
      {
        ...{ resource: stage.name, image: 'quay.io/team/old:1', registry: 'quay.io' },
        ...{ status: 'Scheduled', original: true },
        unusedSinceMs: Date.parse('2026-02-01T00:00:00Z'),
      },
    ]);
    stage.images.put(one('docker.io/library/nginx:1'));
    lead();
    await eventually('the list is ours', async () => (await statusOf()).images.length === 1);
    const { status, metadata } = await admin().get(`${base}/${stage.name}`);
    expect(status).toMatchObject({ imageCount: 1, conditions: [condition] });
    const owners = metadata.managedFields.filter((entry: object) =>
      JSON.stringify(entry).includes('"f:images"'),
    );
    expect(owners.map(({ manager }: { manager: string }) => manager)).toEqual([
      'kuik-availability',
    ]);
  });

  test('is written no more often than its pace allows, however much happens', async () => {
    stage.images.put(...many(150));
    lead();
    const changes = setInterval(() => {
      const [image] = stage.images.imagesOf(stage.name);
      if (image === undefined) return;
      stage.images.put({ ...image, lastMonitorMs: (image.lastMonitorMs ?? 0) + 1_000 });
    }, 20);
    onTestFinished(() => clearInterval(changes));
    await eventually('five writes', () => statusWrites().length >= 5);
    const times = statusWrites().map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(150 * 10);
  });

  test('goes out at the end whatever the pace, and nothing is written after it', async () => {
    stage.images.put(...many(900));
    const writer = lead();
    await eventually('the first write', () => statusWrites().length === 1);
    await eventually('it has arrived', async () => (await statusOf())?.imageCount === 900);
    stage.images.put(one('quay.io/team/last:1', { status: 'NotFound' }));
    const startedMs = performance.now();
    await writer.flush();
    // The pace would have had it wait for nine seconds.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(await statusOf()).toMatchObject({ imageCount: 901 });
    writer.stop();
    const { length } = stage.writes;
    stage.images.put(one('quay.io/team/later:1', { status: 'NotFound' }));
    await writer.flush();
    expect(stage.writes).toHaveLength(length);
    expect(await statusOf()).toMatchObject({ imageCount: 901 });
  });

  test('follows a resource that is deleted and made anew under its name', async () => {
    stage.images.put(one('docker.io/library/nginx:1'));
    lead();
    await eventually('the first status', statusOf);
    const { spec } = await admin().get(`${base}/${stage.name}`);
    await admin().remove(`${base}/${stage.name}`);
    await admin().create(base, {
      apiVersion: 'kuik.enix.io/v1alpha1',
      kind: 'ClusterImageSetAvailability',
      metadata: { name: stage.name },
      spec,
    });
    stage.images.put(one('docker.io/library/nginx:2'));
    await eventually('the new one has a status', async () => (await statusOf())?.imageCount === 2);
  });
});

describe('20,000 images', () => {
  test('are counted, listed as far as there is room, kept in shards, and restored whole', async () => {
    const images = many(20_000);
    stage.images.put(...images);
    const writer = lead();
    await writer.flush();
    const resource = await admin().get(`${base}/${stage.name}`);
    expect(resource.status).toMatchObject({
      imageCount: 20_000,
      availableCount: 18_000,
      missingCount: 2_000,
    });
    expect(resource.status.images).toHaveLength(1_000);
    expect(Buffer.byteLength(JSON.stringify(resource))).toBeLessThan(1_048_576);
    const shards = await shardsOf();
    const { uid } = resource.metadata;
    for (const { data, metadata } of shards) {
      expect(Buffer.byteLength(data.images)).toBeLessThanOrEqual(256 * 1024);
      expect(metadata.ownerReferences).toEqual([expect.objectContaining({ uid })]);
      expect(metadata.labels).toMatchObject({ 'kuik.enix.io/owner-uid': uid });
    }
    writer.stop();
    expect((await restore()).toSorted(byImage)).toEqual(images.toSorted(byImage));

    // The next leader reads what is there and has nothing to write.
    const { length } = stage.writes;
    const next = lead();
    await next.flush();
    expect(stage.writes).toHaveLength(length);
    // One check of an image beyond the status changes one shard and nothing else.
    const listed = new Set(resource.status.images.map(({ image }: { image: string }) => image));
    const beyond = images.find(({ image, status }) => status === 'Available' && !listed.has(image));
    stage.images.put({ ...(beyond as TrackedImage), lastMonitorMs: someTimeMs + 60_000 });
    await next.flush();
    expect(stage.writes.slice(length).map(({ call }) => call.path)).toEqual([
      expect.stringContaining('/configmaps/kuik-overflow-'),
    ]);
    // What turns wrong moves into the status, and is lost at no moment on its way.
    stage.images.put({
      ...(beyond as TrackedImage),
      status: 'NotFound',
      lastMonitorMs: someTimeMs + 120_000,
    });
    await next.flush();
    const now = await restore();
    expect(now).toHaveLength(20_000);
    expect(now.find(({ image }) => image === beyond?.image)).toMatchObject({ status: 'NotFound' });
    // Fewer images need fewer shards; those nobody needs are gone.
    stage.images.remove(...images.slice(900));
    await next.flush();
    expect(await shardsOf()).toEqual([]);
    expect(await restore()).toHaveLength(900);
  }, 120_000);
});
