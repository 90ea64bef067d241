import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { pushIndexOf } from '#test/support/registries/image-indexes.ts';
import { byDigest, pushImage, pushManifest } from '#test/support/registries/images.ts';
import { type LayeredImage, pushLayeredImage } from '#test/support/registries/layered-images.ts';
import { type OciCopyStage, startOciCopyStage } from '#test/support/registries/oci-copy-stage.ts';
import { pullImage, tagsOf } from '#test/support/registries/pulled-image.ts';
import { registryRequest } from '#test/support/registries/registry-request.ts';

let stage: OciCopyStage;
let image: LayeredImage;
let layer: LayeredImage['layers'][number];
let copies = 0;

const mib = 1024 * 1024;
const path = 'team/app';
/** The layer alone: its configuration is a blob too. */
const blob = () => new RegExp(`/blobs/${layer.digest}`);

beforeAll(async () => {
  stage = await startOciCopyStage();
  image = await pushLayeredImage(stage.realSource, `${path}:1`, { layers: [{ bytes: 9 * mib }] });
  [layer] = image.layers as [LayeredImage['layers'][number]];
});
afterEach(async () => {
  await stage.reset();
});
afterAll(async () => {
  await stage?.close();
});

/** To a place of its own; what came of it, and what is there now. */
async function copy(options?: Parameters<OciCopyStage['copy']>[1]) {
  copies += 1;
  const toPath = `copies/${copies}`;
  const outcome = await stage.copy({ path, toPath }, options);
  return { outcome, toPath, copied: await pullImage(stage.realTarget, toPath, '1') };
}

const sound = { outcome: { kind: 'copied' }, copied: { problems: [] } };

describe('a source that breaks off (rule 9)', () => {
  test('is asked for the rest alone', async () => {
    stage.source.setRules({
      ...{ path: blob(), times: 2 },
      fault: { kind: 'reset-body', afterBytes: 4 * mib },
    });
    expect(await copy()).toMatchObject(sound);
    expect(stage.source.traffic.blobBytesServed()).toBeLessThan(9.2 * mib);
  });

  test('is read over at most twice where it knows no ranges', async () => {
    const broken = { kind: 'reset-body', afterBytes: 5 * mib } as const;
    const ranged = { kind: 'strip-request', headers: ['range'] } as const;
    stage.source.setRules(
      { path: blob(), times: 1, fault: broken },
      { path: blob(), fault: ranged },
    );
    expect(await copy()).toMatchObject(sound);
    stage.source.resetCounts();
    let asked = 0;
    stage.source.setRules({
      path: blob(),
      fault: () => {
        asked += 1;
        // Each time a bit more, so that there is progress.
        return { kind: 'answer', status: 200, body: 'x'.repeat(1_000 * asked) };
      },
    });
    expect(await copy()).toMatchObject({ outcome: { kind: 'failed', side: 'source' } });
    expect(asked).toBeLessThanOrEqual(4);
  });

  test('is read from the beginning where it refuses a range', async () => {
    let asked = 0;
    stage.source.setRules({
      path: blob(),
      fault: () => {
        asked += 1;
        if (asked === 1) return { kind: 'reset-body', afterBytes: 3 * mib };
        return asked === 2 ? { kind: 'answer', status: 416 } : undefined;
      },
    });
    expect(await copy()).toMatchObject(sound);
    expect(asked).toBe(3);
  });

  test('is asked itself again, not where it had sent us to', async () => {
    const elsewhere = `${stage.realSource.url}/v2/${path}/blobs/${layer.digest}`;
    const port = stage.realSource.host;
    expect(elsewhere).toContain(port);
    let asked = 0;
    stage.source.setRules({
      path: blob(),
      fault: () => {
        asked += 1;
        return asked === 1 ? { kind: 'reset-body', afterBytes: mib } : undefined;
      },
    });
    expect(await copy()).toMatchObject(sound);
    expect(asked).toBe(2);
  });

  test('without any progress is given up, for the copy to be tried again later', async () => {
    stage.source.setRules({ path: blob(), fault: { kind: 'reset' } });
    const { outcome, copied } = await copy();
    expect(outcome).toMatchObject({ side: 'source', reason: 'unreachable' });
    expect(copied).toBeUndefined();
    expect(stage.source.requests().length).toBeLessThan(12);
  });
});

describe('a source that sends something else', () => {
  test.each([0, 5 * mib, 9 * mib - 1])(
    'at byte %d: the blob is never committed (rule 10)',
    async (atByte) => {
      stage.source.setRules({ path: blob(), fault: { kind: 'corrupt', atByte } });
      const { outcome, toPath, copied } = await copy();
      expect(outcome).toMatchObject({ kind: 'failed', side: 'source', reason: 'corrupt' });
      expect(copied).toBeUndefined();
      const there = await registryRequest(stage.realTarget, {
        ...{ method: 'HEAD', path: `/v2/${toPath}/blobs/${layer.digest}` },
      });
      expect(there.status).toBe(404);
    },
  );

  test.each([-100, 100])(
    '%d bytes more than declared: not one of these goes on',
    async (byBytes) => {
      stage.source.setRules({ path: blob(), fault: { kind: 'resize', byBytes } });
      const { outcome, copied } = await copy();
      expect(outcome).toMatchObject({ kind: 'failed', side: 'source', reason: 'corrupt' });
      expect(copied).toBeUndefined();
    },
  );

  test('in a manifest: nothing is written', async () => {
    stage.source.setRules({
      ...{ method: 'GET', path: /\/manifests\// },
      fault: { kind: 'corrupt', atByte: 30 },
    });
    const { outcome, copied } = await copy();
    expect(outcome).toMatchObject({ kind: 'failed', side: 'source', reason: 'corrupt' });
    expect(copied).toBeUndefined();
    expect(stage.target.traffic.requests()).toEqual({ 'HEAD manifest': 1 });
  });

  test('a manifest of more than 4 MiB, which is not read to its end', async () => {
    stage.source.setRules({
      ...{ method: 'GET', path: /\/manifests\// },
      fault: { kind: 'resize', byBytes: 5 * mib },
    });
    expect((await copy()).outcome).toMatchObject({ reason: 'out-of-bounds' });
  });
});

describe('a hostile source', () => {
  test('gets at most 64 manifests of an index copied, and 512 layers of an image', async () => {
    const one = await pushImage(stage.realSource, `team/many:${byDigest}`);
    const children = Array.from({ length: 65 }, () => one);
    await pushIndexOf(stage.realSource, 'team/many:1', children);
    expect(await stage.copy({ path: 'team/many' })).toMatchObject({
      ...{ kind: 'failed', side: 'source', reason: 'out-of-bounds' },
      message: expect.stringContaining('at most 64 manifests'),
    });
    const layers = Array.from({ length: 513 }, () => layer);
    const { mediaType, config } = image;
    await pushManifest(stage.realSource, `${path}:layers`, { mediaType, config, layers });
    expect(await stage.copy({ path, tag: 'layers', toPath: 'team/layers' })).toMatchObject({
      ...{ kind: 'failed', side: 'source', reason: 'out-of-bounds' },
      message: expect.stringContaining('at most 512 layers'),
    });
    expect(await tagsOf(stage.realTarget, 'team/many')).toEqual([]);
  });
});

describe('a source that is slow (rule 19)', () => {
  test('is waited for as long as there is progress, and not without', async () => {
    const transfers = { idleMs: 700 };
    stage.source.setRules({
      ...{ path: blob(), times: 1 },
      fault: { kind: 'drip', bytes: 65_536, everyMs: 20 },
    });
    const startedMs = performance.now();
    expect(await copy({ transfers })).toMatchObject(sound);
    expect(performance.now() - startedMs).toBeGreaterThan(2 * transfers.idleMs);
    stage.source.setRules({ path: blob(), fault: { kind: 'stall-body', afterBytes: 0 } });
    const { outcome } = await copy({ transfers });
    expect(outcome).toMatchObject({ kind: 'failed', side: 'source', reason: 'unreachable' });
    // It was heard: nobody suspects it for that.
    expect(outcome).not.toHaveProperty('silent');
  }, 30_000);

  test('and of which nothing is heard says so', async () => {
    await stage.source.refuse();
    const { outcome } = await copy();
    await stage.source.accept();
    expect(outcome).toMatchObject({ side: 'source', reason: 'unreachable', silent: true });
  });
});

describe('a source that says no', () => {
  test.each([
    [404, 'not-found'],
    [401, 'source-denied'],
    [403, 'source-denied'],
    [500, 'unreachable'],
  ])('with %d', async (status, reason) => {
    stage.source.setRules({ path: /\/manifests\//, fault: { kind: 'answer', status } });
    expect((await copy()).outcome).toMatchObject({ kind: 'failed', side: 'source', reason });
  });

  test('with 429 and until when: it costs one request', async () => {
    const headers = { 'retry-after': '30' };
    const fault = { kind: 'answer', status: 429, headers } as const;
    stage.source.setRules({ path: /\/manifests\//, fault });
    const { outcome } = await copy();
    expect(outcome).toMatchObject({ side: 'source', reason: 'throttled' });
    expect(outcome).toHaveProperty('retryAtMs');
    expect(stage.source.requests()).toHaveLength(1);
  });
});

test('what a source states of its quota is told with the credential that asked', async () => {
  const headers = { 'ratelimit-limit': '200', 'ratelimit-remaining': '76' };
  stage.source.setRules({ path: /\/manifests\//, fault: { kind: 'headers', headers } });
  const account = { username: 'robot', password: 'secret', source: 'apps/pull' };
  const told: unknown[] = [];
  const onQuota = (registry: string, _: unknown, asker?: unknown): void =>
    void told.push([registry, asker]);
  copies += 1;
  const wanted = { path, toPath: `copies/${copies}`, credentials: [account] };
  expect(await stage.copy(wanted, { onQuota })).toMatchObject({ kind: 'copied' });
  expect(told).toEqual(Array(2).fill([stage.source.host, account]));
});

test('what a source states of its quota is told, whoever asked', async () => {
  const headers = { 'ratelimit-limit': '200;w=21600', 'ratelimit-remaining': '76;w=21600' };
  stage.source.setRules({ path: /\/manifests\//, fault: { kind: 'headers', headers } });
  const told: unknown[] = [];
  const onQuota = (registry: string, quota: unknown): void => void told.push([registry, quota]);
  expect(await copy({ onQuota })).toMatchObject(sound);
  const stated = [stage.source.host, { limit: 200, remaining: 76 }];
  expect(told).toEqual([stated, stated]);
});
