import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { TrackedImage } from '#core/monitoring/tracked-image.ts';
import { admin } from '#test/support/api-server/plane.ts';
import {
  type AvailabilityStage,
  availabilityStage,
} from '#test/support/monitoring/availability-stage.ts';
import { manyTracked, someTimeMs } from '#test/support/monitoring/tracked-images.ts';
import { eventually } from '#test/support/time/eventually.ts';

let stage: AvailabilityStage;

beforeEach(async () => {
  stage = await availabilityStage();
});

const many = (count: number) =>
  manyTracked(count).map((image) => ({ ...image, resource: stage.name }));
const byImage = (left: TrackedImage, right: TrackedImage) => (left.image < right.image ? -1 : 1);

describe('the status of a resource', () => {
  test('says what is tracked, counts it, and is written again only when that changes', async () => {
    stage.images.put(
      stage.image('docker.io/library/nginx:1'),
      stage.image('quay.io/team/app', { status: 'NotFound', lastError: 'manifest unknown' }),
      stage.image('quay.io/team/new:1', { status: 'Scheduled' }),
    );
    stage.lead();
    const status = await eventually('the status is written', stage.status);
    expect(status).toMatchObject({ imageCount: 3, availableCount: 1, missingCount: 1 });
    expect(status.images.map(({ image }: { image: string }) => image)).toEqual([
      'quay.io/team/app',
      'docker.io/library/nginx:1',
      'quay.io/team/new:1',
    ]);
    stage.images.put(stage.image('docker.io/library/nginx:1'));
    stage.images.put(stage.image('docker.io/library/nginx:1', { unusedSinceMs: someTimeMs }));
    await eventually('the change is written', async () =>
      JSON.stringify(await stage.status()).includes('unusedSince'),
    );
    expect(stage.statusWrites()).toHaveLength(2);
    stage.images.remove(...stage.images.imagesOf(stage.name));
    await eventually('nothing is left', async () => (await stage.status()).imageCount === 0);
    expect((await stage.status()).images).toEqual([]);
  });

  test('takes over what kuik v2 wrote, conditions aside, and restores it', async () => {
    const found = await admin().get(stage.path);
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
    const answer = await admin().call('PUT', `${stage.path}/status`, {
      body: { ...found, status: written },
      query: { fieldManager: 'manager' },
    });
    expect(answer.status).toBe(200);
    const restored = await stage.restore();
    expect(restored.toSorted(byImage)).toEqual([
      stage.image('docker.io/library/nginx:1', {
        lastMonitorMs: Date.parse('2026-03-01T11:00:00Z'),
      }),
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
    stage.images.put(stage.image('docker.io/library/nginx:1'));
    stage.lead();
    await eventually('the list is ours', async () => (await stage.status()).images.length === 1);
    const { status, metadata } = await admin().get(stage.path);
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
    stage.lead();
    const changes = setInterval(() => {
      const [image] = stage.images.imagesOf(stage.name);
      if (image === undefined) return;
      stage.images.put({ ...image, lastMonitorMs: (image.lastMonitorMs ?? 0) + 1_000 });
    }, 20);
    onTestFinished(() => clearInterval(changes));
    await eventually('five writes', () => stage.statusWrites().length >= 5);
    const times = stage.statusWrites().map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(150 * 10);
  });

  test('goes out at the end whatever the pace, and nothing is written after it', async () => {
    stage.images.put(...many(900));
    const writer = stage.lead();
    await eventually('the first write', () => stage.statusWrites().length === 1);
    await eventually('it has arrived', async () => (await stage.status())?.imageCount === 900);
    stage.images.put(stage.image('quay.io/team/last:1', { status: 'NotFound' }));
    const startedMs = performance.now();
    await writer.flush();
    // The pace would have had it wait for nine seconds.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(await stage.status()).toMatchObject({ imageCount: 901 });
    writer.stop();
    const { length } = stage.writes;
    stage.images.put(stage.image('quay.io/team/later:1', { status: 'NotFound' }));
    await writer.flush();
    expect(stage.writes).toHaveLength(length);
    expect(await stage.status()).toMatchObject({ imageCount: 901 });
  });

  test('stays as it is when the images are tracked no more', async () => {
    stage.images.put(stage.image('docker.io/library/nginx:1'));
    const writer = stage.lead();
    await eventually('the status is written', stage.status);
    stage.images.tearDown(stage.name);
    await writer.flush();
    expect(stage.statusWrites()).toHaveLength(1);
    expect(await stage.status()).toMatchObject({ imageCount: 1 });
  });

  test('follows a resource that is deleted and made anew under its name', async () => {
    stage.images.put(stage.image('docker.io/library/nginx:1'));
    stage.lead();
    await eventually('the first status', stage.status);
    await admin().remove(stage.path);
    await stage.create();
    stage.images.put(stage.image('docker.io/library/nginx:2'));
    await eventually(
      'the new one has a status',
      async () => (await stage.status())?.imageCount === 2,
    );
  });
});

describe('a status that cannot be written', () => {
  test('is written whole as soon as it can be', async () => {
    stage.images.put(stage.image('docker.io/library/nginx:1'));
    stage.breakAfter(0);
    stage.lead();
    await eventually('it is refused, and tried again', () => stage.refused() > 1);
    stage.images.put(stage.image('docker.io/library/nginx:2'));
    stage.breakAfter(Number.POSITIVE_INFINITY);
    await eventually('both are told', async () => (await stage.status())?.imageCount === 2);
  });

  test('loses nothing, wherever it breaks off', async () => {
    stage.images.put(...many(2_600));
    const first = stage.lead();
    await first.flush();
    first.stop();
    let known = byName(await stage.restore());
    expect(known.size).toBe(2_600);
    let outcome: 'broken' | 'through' = 'broken';
    for (let allowed = 0; outcome === 'broken'; allowed += 1) {
      // Into the status, out of it, and from one place to another in the shards.
      stage.images.put(...turned(stage.images.imagesOf(stage.name), allowed));
      outcome = await endInTheMiddle(allowed);
      const restored = byName(await stage.restore());
      const older = [...known.values()].filter(
        ({ image, lastMonitorMs = 0 }) => (restored.get(image)?.lastMonitorMs ?? 0) < lastMonitorMs,
      );
      expect(older).toEqual([]);
      known = restored;
    }
    expect([...known.values()].toSorted(byImage)).toEqual(
      [...stage.images.imagesOf(stage.name)].toSorted(byImage),
    );
  }, 90_000);
});

const byName = (images: readonly TrackedImage[]) =>
  new Map(images.map((image) => [image.image, image]));

/** Each ninth image, checked again a minute later with the opposite outcome. */
function turned(images: Iterable<TrackedImage>, round: number): readonly TrackedImage[] {
  return [...images].flatMap(({ lastError: _, ...image }, index) => {
    if (index % 9 !== round % 9) return [];
    const status = image.status === 'Available' ? ('Unreachable' as const) : ('Available' as const);
    const lastMonitorMs = someTimeMs + (round + 1) * 60_000;
    return [{ ...image, status, lastMonitorMs }];
  });
}

/** Leads until a write is refused, after so many that were not, or until all is written. */
async function endInTheMiddle(writes: number): Promise<'broken' | 'through'> {
  const refused = stage.refused();
  stage.breakAfter(writes);
  const writer = stage.lead();
  let through = false;
  const flushed = writer.flush().then(() => {
    through = stage.refused() === refused;
  });
  const outcome = await eventually('the round has come to an end', () =>
    stage.refused() > refused ? ('broken' as const) : through && ('through' as const),
  );
  writer.stop();
  await flushed;
  stage.breakAfter(Number.POSITIVE_INFINITY);
  return outcome;
}

describe('20,000 images', () => {
  test('are counted, listed as far as there is room, kept in shards, and restored whole', async () => {
    const images = many(20_000);
    stage.images.put(...images);
    const writer = stage.lead();
    await writer.flush();
    const resource = await admin().get(stage.path);
    expect(resource.status).toMatchObject({
      imageCount: 20_000,
      availableCount: 18_000,
      missingCount: 2_000,
    });
    expect(resource.status.images).toHaveLength(1_000);
    expect(Buffer.byteLength(JSON.stringify(resource))).toBeLessThan(1_048_576);
    const shards = await stage.shards();
    const { uid } = resource.metadata;
    for (const { data, metadata } of shards) {
      expect(Buffer.byteLength(data.images)).toBeLessThanOrEqual(256 * 1024);
      expect(metadata.ownerReferences).toEqual([expect.objectContaining({ uid })]);
      expect(metadata.labels).toMatchObject({ 'kuik.enix.io/owner-uid': uid });
    }
    writer.stop();
    expect((await stage.restore()).toSorted(byImage)).toEqual(images.toSorted(byImage));

    // The next leader reads what is there and has nothing to write.
    const { length } = stage.writes;
    const next = stage.lead();
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
    const now = await stage.restore();
    expect(now).toHaveLength(20_000);
    expect(now.find(({ image }) => image === beyond?.image)).toMatchObject({ status: 'NotFound' });
    // Fewer images need fewer shards; those nobody needs are gone.
    stage.images.remove(...images.slice(900));
    await next.flush();
    expect(await stage.shards()).toEqual([]);
    expect(await stage.restore()).toHaveLength(900);
  }, 120_000);
});
