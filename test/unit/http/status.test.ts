import { describe, expect, onTestFinished, test } from 'vitest';
import { buildMetricsApp } from '#http/metrics.ts';
import type { StatusWorkloadsPorts } from '#http/routes/status-workloads.ts';
import { createLog } from '#telemetry/log.ts';
import {
  createTrackedImages,
  manyTracked,
  someTimeMs,
  tracked,
} from '#test/support/monitoring/tracked-images.ts';

const noWorkloads: StatusWorkloadsPorts['workloads'] = async () => ({
  ...{
    workloads: [],
    imagesInUse: 0,
    imagesUnchecked: 0,
    imagesNodeOnly: 0,
    imagesUnreadable: 0,
    resources: 0,
  },
});

function stage(workloads = noWorkloads) {
  const images = createTrackedImages();
  const app = buildMetricsApp({
    metrics: async () => ({ contentType: 'text/plain', body: '' }),
    status: {
      images: async () => images,
      workloads,
      namespaceExists: async (name) => name !== 'typo',
    },
    log: createLog({ level: 'fatal', format: 'json' }),
  });
  onTestFinished(() => app.close());
  const get = async (url: string) => {
    const answer = await app.inject(url);
    return { code: answer.statusCode, type: answer.headers['content-type'], body: answer.body };
  };
  return { images, get, json: async (url: string) => JSON.parse((await get(url)).body) };
}

describe('/status/images', () => {
  test('lists all images as kuik v2 does: null where a time is unset, no error where none is', async () => {
    const { images, get } = stage();
    const { lastMonitorMs: _, ...never } = tracked('quay.io/team/new', { status: 'Scheduled' });
    images.put(
      never,
      tracked('quay.io/team/app:1', {
        ...{ resource: 'extra', status: 'NotFound', lastError: 'manifest unknown' },
        unusedSinceMs: someTimeMs + 1_500,
      }),
    );
    const { code, type, body } = await get('/status/images');
    expect([code, type]).toEqual([200, 'application/json; charset=utf-8']);
    // The text itself, since the order of keys is what people see.
    expect(body).toBe(
      JSON.stringify({
        items: [
          {
            ...{ cisa: 'all', image: 'quay.io/team/new', registry: 'quay.io', status: 'Scheduled' },
            ...{ unusedSince: null, lastMonitor: null },
          },
          {
            ...{ cisa: 'extra', image: 'quay.io/team/app:1', registry: 'quay.io' },
            ...{ status: 'NotFound', unusedSince: '2026-03-01T12:00:01Z' },
            ...{ lastError: 'manifest unknown', lastMonitor: '2026-03-01T12:00:00Z' },
          },
        ],
        total: 2,
      }),
    );
  });

  test('groups by resource or registry, and items go without that key', async () => {
    const { images, json } = stage();
    images.put(
      tracked('quay.io/team/app:1'),
      tracked('docker.io/library/nginx:1'),
      tracked('quay.io/team/app:1', { resource: 'extra' }),
    );
    const byRegistry = await json('/status/images?groupBy=registry');
    expect(byRegistry).toMatchObject({ groupBy: 'registry', total: 3 });
    expect(Object.keys(byRegistry.groups)).toEqual(['docker.io', 'quay.io']);
    expect(byRegistry.groups['docker.io']).toEqual([
      {
        ...{ cisa: 'all', image: 'docker.io/library/nginx:1', status: 'Available' },
        ...{ unusedSince: null, lastMonitor: '2026-03-01T12:00:00Z' },
      },
    ]);
    const byResource = await json('/status/images?groupBy=cisa');
    expect(Object.keys(byResource.groups)).toEqual(['all', 'extra']);
    expect(byResource.groups.extra).toEqual([
      expect.not.objectContaining({ cisa: expect.anything() }),
    ]);
    expect(byResource.groups.extra[0]).toMatchObject({ registry: 'quay.io' });
  });

  test('of nothing is empty', async () => {
    const { json } = stage();
    expect(await json('/status/images')).toEqual({ items: [], total: 0 });
    expect(await json('/status/images?groupBy=')).toEqual({ items: [], total: 0 });
    const groups = { groupBy: 'cisa', groups: {}, total: 0 };
    expect(await json('/status/images?groupBy=cisa')).toEqual(groups);
  });

  test.each(['status', 'CISA', '1'])('refuses to group by %s', async (key) => {
    const { get } = stage();
    const { code, body } = await get(`/status/images?groupBy=${key}`);
    expect(code).toBe(400);
    expect(JSON.parse(body)).toEqual({
      error: `groupBy: expected cisa or registry, got "${key}"`,
    });
  });

  test('groups under whatever name a registry or resource has', async () => {
    const { images, json } = stage();
    images.put(tracked('quay.io/team/app:1', { registry: '__proto__' }));
    const { groups } = await json('/status/images?groupBy=registry');
    expect(Object.keys(groups)).toEqual(['__proto__']);
  });

  test('of 20,000 images is whole, and lets others be answered in between', async () => {
    const { images, json } = stage();
    images.put(...manyTracked(20_000));
    await json('/status/images');
    let turns = 0;
    const turn = () => {
      turns += 1;
      next = setImmediate(turn);
    };
    let next = setImmediate(turn);
    const { items, total } = await json('/status/images?groupBy=').finally(() =>
      clearImmediate(next),
    );
    expect(total).toBe(20_000);
    expect(items).toHaveLength(20_000);
    // Once a piece or nearly so: whoever else waits has a turn.
    expect(turns).toBeGreaterThan(20);
  });
});

describe('/status/workloads', () => {
  test('is 404 for a namespace that is not there', async () => {
    const { code, body } = await stage().get('/status/workloads?namespace=typo');
    expect(code).toBe(404);
    expect(JSON.parse(body)).toEqual({ error: expect.stringContaining('"typo"') });
  });

  test('answers with what could not start again elsewhere, of one namespace or of all', async () => {
    const asked: (string | undefined)[] = [];
    const { json } = stage(async (namespace) => {
      asked.push(namespace);
      return {
        workloads: [
          {
            ...{ namespace: 'shop', kind: 'Deployment', name: 'web', pods: 2 },
            images: [
              {
                ...{ image: 'quay.io/shop/web:1', status: 'NotFound', cisa: 'all' },
                ...{ lastError: 'manifest unknown', lastMonitorMs: someTimeMs },
              },
            ],
          },
        ],
        ...{
          imagesInUse: 7,
          imagesUnchecked: 1,
          imagesNodeOnly: 0,
          imagesUnreadable: 0,
          resources: 1,
        },
      };
    });
    expect(await json('/status/workloads')).toEqual({
      workloads: [
        {
          ...{ namespace: 'shop', kind: 'Deployment', name: 'web', pods: 2 },
          images: [
            {
              ...{ image: 'quay.io/shop/web:1', status: 'NotFound', cisa: 'all' },
              ...{ lastError: 'manifest unknown', lastMonitor: '2026-03-01T12:00:00Z' },
            },
          ],
        },
      ],
      ...{
        total: 1,
        imagesInUse: 7,
        imagesUnchecked: 1,
        imagesNodeOnly: 0,
        imagesUnreadable: 0,
        resources: 1,
      },
    });
    await json('/status/workloads?namespace=shop');
    expect(asked).toEqual([undefined, 'shop']);
  });

  test('are looked up once for sixty who ask at the same time', async () => {
    let looks = 0;
    const { json } = stage(async () => {
      looks += 1;
      return {
        workloads: [],
        imagesInUse: looks,
        imagesUnchecked: 0,
        imagesNodeOnly: 0,
        imagesUnreadable: 0,
        resources: 0,
      };
    });
    const answers = await Promise.all(
      Array.from({ length: 60 }, async () => (await json('/status/workloads')).imagesInUse),
    );
    expect(new Set(answers)).toEqual(new Set([1]));
    expect(looks).toBe(1);
  });

  test('of one namespace after another wait for their turn, or are told to come back', async () => {
    const { get } = stage();
    const asked = Array.from({ length: 60 }, (_, n) => get(`/status/workloads?namespace=n${n}`));
    const codes = (await Promise.all(asked)).map(({ code }) => code);
    expect(codes.filter((code) => code === 200).length).toBeGreaterThan(30);
    expect(new Set(codes)).toEqual(new Set([200, 503]));
  });

  test('names the parameters that there are', async () => {
    const { get } = stage();
    const { code, body } = await get('/status/workloads?ns=shop');
    expect(code).toBe(400);
    expect(JSON.parse(body).error).toContain('namespace');
  });
});
