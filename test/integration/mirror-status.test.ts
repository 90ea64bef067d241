import { describe, expect, test } from 'vitest';
import { addOrphanedOverflow } from '#actors/reporting/orphaned-overflow.ts';
import type { KuikResource } from '#api/kinds.ts';
import type { MirroredImage } from '#core/mirroring/mirrored-image.ts';
import { createStore } from '#kube/store.ts';
import { admin } from '#test/support/api-server/plane.ts';
import { type MirrorStage, mirrorStage } from '#test/support/mirroring/mirror-stage.ts';
import { digestOf, manyMirrored, someTimeMs } from '#test/support/mirroring/mirrored-images.ts';
import { eventually } from '#test/support/time/eventually.ts';
import { startLeading } from '#test/support/time/leading-system.ts';
import { createRealRuntime } from '#test/support/time/real-runtime.ts';

const byImage = (left: MirroredImage, right: MirroredImage) => (left.image < right.image ? -1 : 1);
const many = (stage: MirrorStage, count: number, copies = 1) =>
  manyMirrored(count, copies, stage.resource);
const { signal } = new AbortController();

describe.each(['ClusterImageSetMirror', 'ImageSetMirror'] as const)(
  'the status of a %s',
  (kind) => {
    test('says what is mirrored and counts it, and an entry stands before anything is pushed', async () => {
      const stage = await mirrorStage(kind);
      const nginx = 'docker.io/library/nginx:1';
      stage.images.put(
        stage.image(nginx, [{ state: 'Scheduled' }, { state: 'Failed', lastError: 'denied' }]),
      );
      const writer = stage.lead();
      const startedMs = performance.now();
      expect(await writer.written(stage.resource, nginx, signal)).toBe('status');
      expect(performance.now() - startedMs).toBeLessThan(1_000);
      expect(await stage.status()).toEqual({
        ...{ imageCount: 1, mirroredCount: 0, failedCount: 1 },
        matchingImages: [
          {
            image: nginx,
            mirrors: [
              { image: 'mirror-0.example.com/library/nginx:1', state: 'Scheduled' },
              {
                ...{ image: 'mirror-1.example.com/library/nginx:1', state: 'Failed' },
                lastError: 'denied',
              },
            ],
          },
        ],
      });
      const cut = { platforms: ['linux/amd64'], adopted: true };
      stage.images.put(stage.image(nginx, [cut, {}], { unusedSinceMs: someTimeMs }));
      await eventually(
        'the copies are told',
        async () => (await stage.status()).mirroredCount === 1,
      );
      expect((await stage.status()).matchingImages[0].mirrors[0]).toEqual({
        ...{ image: 'mirror-0.example.com/library/nginx:1', state: 'Available' },
        ...{ mirroredAt: '2026-03-01T12:00:00Z', ...cut },
        digest: digestOf('mirror-0.example.com/library/nginx:1'),
        sourceDigest: digestOf(nginx),
      });
      expect(await stage.restore()).toEqual([...stage.images.imagesOf(stage.resource)]);
    });

    test('takes over what kuik v2 wrote, conditions aside, and restores it', async () => {
      const stage = await mirrorStage(kind);
      const found = await admin().get(stage.path);
      const condition = {
        ...{ type: 'Ready', status: 'True', reason: 'Ready', message: 'Fine.' },
        lastTransitionTime: '2026-01-01T00:00:00Z',
      };
      const copy = (name: string) => `mirror-0.example.com/library/${name}`;
      const written = {
        conditions: [condition],
        matchingImages: [
          {
            image: 'docker.io/library/there',
            mirrors: [{ image: copy('there'), mirroredAt: '2026-03-01T12:00:00Z' }],
          },
          {
            image: 'docker.io/library/unused:1',
            mirrors: [{ image: copy('unused:1'), mirroredAt: '2026-03-01T12:00:00Z' }],
            unusedSince: '0001-01-01T00:00:00Z',
          },
          {
            image: 'docker.io/library/wrong:1',
            mirrors: [{ image: copy('wrong:1'), lastError: 'denied' }],
          },
        ],
      };
      const answer = await admin().call('PUT', `${stage.path}/status`, {
        body: { ...found, status: written },
        query: { fieldManager: 'manager' },
      });
      expect(answer.status).toBe(200);
      const beforeMs = Date.now();
      const restored = await stage.restore();
      expect(restored).toEqual([
        {
          ...{ resource: stage.resource, image: 'docker.io/library/there' },
          copies: [{ copy: copy('there'), state: 'Available', mirroredAtMs: someTimeMs }],
        },
        {
          ...{ resource: stage.resource, image: 'docker.io/library/unused:1' },
          copies: [{ copy: copy('unused:1'), state: 'Unused', mirroredAtMs: someTimeMs }],
          unusedSinceMs: expect.any(Number),
        },
        {
          ...{ resource: stage.resource, image: 'docker.io/library/wrong:1' },
          copies: [{ copy: copy('wrong:1'), state: 'BackingOff', lastError: 'denied' }],
        },
      ]);
      expect(restored[1]?.unusedSinceMs).toBeGreaterThanOrEqual(beforeMs);
      stage.images.put(stage.image('docker.io/library/there'));
      await stage.lead().written(stage.resource, 'docker.io/library/there', signal);
      const { status, metadata } = await admin().get(stage.path);
      expect(status).toMatchObject({ imageCount: 1, conditions: [condition] });
      expect(status.matchingImages).toHaveLength(1);
      const owners = metadata.managedFields.filter((entry: object) =>
        JSON.stringify(entry).includes('"f:matchingImages"'),
      );
      expect(owners.map(({ manager }: { manager: string }) => manager)).toEqual(['kuik-mirroring']);
    });

    test('keeps what it has no room for in ConfigMaps, those no replica may offer aside', async () => {
      const stage = await mirrorStage(kind);
      const expired = [
        { state: 'Expired' },
        {},
        { state: 'Collision', lastError: 'taken' },
      ] as const;
      const urgent = Array.from({ length: 300 }, (_, index) =>
        stage.image(`quay.io/team/expired-${index}:1`, expired, { unusedSinceMs: someTimeMs }),
      );
      const images = [...many(stage, 3_000, 3), ...urgent];
      stage.images.put(...images);
      const writer = stage.lead();
      expect(await writer.written(stage.resource, urgent[7]?.image ?? '', signal)).toBe('status');
      const resource = await admin().get(stage.path);
      expect(resource.status).toMatchObject({ imageCount: 3_300, failedCount: 600 });
      const copies = resource.status.matchingImages.flatMap(
        ({ mirrors }: MatchingImage) => mirrors,
      );
      expect(copies.filter(({ state }: { state: string }) => state === 'Expired')).toHaveLength(
        300,
      );
      expect(Buffer.byteLength(JSON.stringify(resource))).toBeLessThan(1_048_576);
      const { uid } = resource.metadata;
      const isOwned = kind === 'ClusterImageSetMirror';
      for (const { metadata } of await stage.shards()) {
        expect(metadata.labels).toMatchObject({ 'kuik.enix.io/owner-uid': uid });
        expect(metadata.ownerReferences?.map((owner: { uid: string }) => owner.uid)).toEqual(
          isOwned ? [uid] : undefined,
        );
      }
      writer.stop();
      expect((await stage.restore()).toSorted(byImage)).toEqual(images.toSorted(byImage));
      // What was cut to what is urgent and now has room again is lost at no moment on its way.
      const next = stage.lead();
      stage.images.remove(...images.slice(0, 3_000));
      await next.flush();
      expect(await stage.shards()).toEqual([]);
      expect((await stage.restore()).toSorted(byImage)).toEqual(urgent.toSorted(byImage));
    });

    test('is restored with what was recorded beside it before its leader ended', async () => {
      const stage = await mirrorStage(kind);
      stage.images.put(...many(stage, 2_500, 2));
      const writer = stage.lead();
      const [first] = stage.images.imagesOf(stage.resource);
      expect(await writer.written(stage.resource, first?.image ?? '', signal)).not.toBe('none');
      const fresh = stage.image('quay.io/team/new:1', [{ state: 'Scheduled', adopted: false }]);
      stage.images.put(fresh);
      expect(await writer.recorded(stage.resource, fresh.image, signal)).toBe('overflow');
      writer.stop();
      const restored = await stage.restore();
      expect(restored).toHaveLength(2_501);
      expect(restored).toContainEqual(fresh);
      const next = stage.lead();
      await next.flush();
      const names = (await stage.shards()).map(({ metadata }) => metadata.name);
      expect(names.filter((name: string) => name.endsWith('-new'))).toEqual([]);
      expect(await stage.restore()).toHaveLength(2_501);
    });

    test('is still written while the resource is being deleted', async () => {
      const stage = await mirrorStage(kind);
      const finalizers = ['kuik.enix.io/mirror-cleanup'];
      await admin().merge(stage.path, { metadata: { finalizers } });
      await admin().call('DELETE', stage.path);
      stage.images.put(stage.image('docker.io/library/nginx:1', [{ state: 'Expired' }]));
      const writer = stage.lead();
      expect(await writer.written(stage.resource, 'docker.io/library/nginx:1', signal)).toBe(
        'status',
      );
      writer.stop();
      await admin().merge(stage.path, { metadata: { finalizers: [] } });
    });
  },
);

test('a status that breaks off loses nothing, whatever was cut to what is urgent', async () => {
  const stage = await mirrorStage('ImageSetMirror');
  stage.images.put(...many(stage, 1_500, 3));
  const first = stage.lead();
  await first.flush();
  first.stop();
  let outcome: 'broken' | 'through' = 'broken';
  for (let allowed = 0; outcome === 'broken'; allowed += 1) {
    // Into the status, out of it, whole and cut, and from one place to another in the shards.
    stage.images.put(...turned(stage.images.imagesOf(stage.resource), allowed));
    outcome = await endInTheMiddle(stage, allowed);
    const restored = new Map((await stage.restore()).map((image) => [image.image, image]));
    expect(restored.size).toBe(1_500);
    const lost = [...restored.values()].filter(({ copies }) => copies.length !== 3);
    expect(lost).toEqual([]);
  }
  expect((await stage.restore()).toSorted(byImage)).toEqual(
    [...stage.images.imagesOf(stage.resource)].toSorted(byImage),
  );
}, 90_000);

/** Each seventh image has a copy that is about to go, or has none any more. */
function turned(images: Iterable<MirroredImage>, round: number): readonly MirroredImage[] {
  return [...images].flatMap((image, index) => {
    if (index % 7 !== round % 7) return [];
    const [first, ...rest] = image.copies;
    if (first === undefined) return [];
    const state = first.state === 'Expired' ? ('Unused' as const) : ('Expired' as const);
    return [{ ...image, copies: [{ ...first, state }, ...rest] }];
  });
}

/** Leads until a write is refused, after so many that were not, or until all is written. */
async function endInTheMiddle(stage: MirrorStage, writes: number): Promise<'broken' | 'through'> {
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

type MatchingImage = { readonly mirrors: readonly { readonly state: string }[] };

test('the ConfigMaps of a namespaced resource go when it has gone, and no others', async () => {
  const [gone, stays] = [await mirrorStage('ImageSetMirror'), await mirrorStage('ImageSetMirror')];
  for (const stage of [gone, stays]) {
    stage.images.put(...many(stage, 1_200));
    const writer = stage.lead();
    await writer.flush();
    writer.stop();
    expect(await stage.shards()).not.toEqual([]);
  }
  const lookAfter = (stage: MirrorStage) => {
    const resources = createStore<KuikResource>();
    const { client, namespace } = stage;
    startLeading(createRealRuntime(), (system) =>
      addOrphanedOverflow(system, { client, namespace, resources }),
    );
    resources.put('team/gone', {
      kind: 'ImageSetMirror',
      metadata: { name: 'gone' },
    } as KuikResource);
    resources.finishList(new Set(['team/gone']));
    return resources;
  };
  // A watch that knows nothing yet takes nothing away.
  lookAfter(stays);
  const resources = lookAfter(gone);
  await admin().remove(gone.path);
  resources.remove('team/gone');
  await eventually('its ConfigMaps are gone', async () => (await gone.shards()).length === 0, {
    withinMs: 30_000,
  });
  expect(await stays.shards()).not.toEqual([]);
}, 60_000);
