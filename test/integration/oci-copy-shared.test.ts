import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { pushIndex } from '#test/support/registries/images.ts';
import { pushLayeredImage } from '#test/support/registries/layered-images.ts';
import { type OciCopyStage, startOciCopyStage } from '#test/support/registries/oci-copy-stage.ts';
import { alice, mallory } from '#test/support/registries/oci-stage.ts';
import { pullImage } from '#test/support/registries/pulled-image.ts';

let stage: OciCopyStage;
/** A second way to the same mirror. */
let other: FaultRegistry;

beforeAll(async () => {
  stage = await startOciCopyStage();
  other = await startFaultRegistry({ upstream: stage.realTarget, tls: stage.tls });
});
afterEach(async () => {
  await stage.reset();
  other.setRules();
  other.resetCounts();
});
afterAll(async () => {
  await other?.close();
  await stage?.close();
});

const mib = 1024 * 1024;

async function push(path: string, sizes: readonly number[]) {
  const layers = sizes.map((bytes) => ({ bytes }));
  const image = await pushLayeredImage(stage.realSource, `${path}:1`, { layers });
  const blobs = [image.config, ...image.layers];
  return { ...image, bytes: blobs.reduce((sum, { size }) => sum + size, 0) };
}

describe('two mirrors that want one image', () => {
  test.each([0, 20])('read the source once, the second %d ms after the first', async (lateMs) => {
    const path = `team/once${lateMs}`;
    const image = await push(path, [5 * mib, 3 * mib, 2_000, 4 * mib, mib, 6 * mib]);
    const client = stage.makeClient({}, other.host);
    const copyTo = async (to: FaultRegistry, toPath: string) =>
      await client.copier.copy(stage.request({ path, to, toPath }), AbortSignal.timeout(20_000));
    const first = copyTo(stage.target, `one/${path}`);
    await delay(lateMs);
    const second = copyTo(other, `two/${path}`);
    expect(await first).toMatchObject({ kind: 'copied', digest: image.digest });
    expect(await second).toMatchObject({ kind: 'copied', digest: image.digest });
    expect(stage.source.traffic.blobBytesServed()).toBe(image.bytes);
    expect(stage.source.traffic.requests()).toMatchObject({ 'GET manifest': 1, 'GET blob': 7 });
    for (const copy of [`one/${path}`, `two/${path}`]) {
      expect(await pullImage(stage.realTarget, copy, '1')).toMatchObject({ problems: [] });
    }
  });

  test('share manifests of an index too', async () => {
    await pushIndex(stage.realSource, 'team/index:1');
    const client = stage.makeClient({}, other.host);
    const copies = [stage.target, other].map((to, index) =>
      client.copier.copy(
        stage.request({ path: 'team/index', to, toPath: `${index}/team/index` }),
        AbortSignal.timeout(20_000),
      ),
    );
    expect(await Promise.all(copies)).toMatchObject([{ kind: 'copied' }, { kind: 'copied' }]);
    expect(stage.source.traffic.requests()).toMatchObject({
      ...{ 'HEAD manifest': 1, 'GET manifest': 3 },
    });
  });

  test('are not held up by each other: the slow one is let go and reads on by itself', async () => {
    const path = 'team/slow';
    const image = await push(path, [12 * mib]);
    const client = stage.makeClient({ transfers: { patienceMs: 300 } }, other.host);
    other.setRules({
      ...{ method: 'PUT', path: /\/uploads\// },
      fault: { kind: 'drip-upload', bytes: 65_536, everyMs: 20 },
    });
    const copyTo = async (to: FaultRegistry, toPath: string) => {
      const startedMs = performance.now();
      const request = stage.request({ path, to, toPath });
      const outcome = await client.copier.copy(request, AbortSignal.timeout(30_000));
      return { outcome, ms: performance.now() - startedMs };
    };
    const [quick, slow] = await Promise.all([
      copyTo(stage.target, `quick/${path}`),
      copyTo(other, `slow/${path}`),
    ]);
    expect(quick.outcome).toMatchObject({ kind: 'copied' });
    expect(slow.outcome).toMatchObject({ kind: 'copied' });
    expect(quick.ms).toBeLessThan(slow.ms / 2);
    // It takes along what it had not sent yet: less than the whole is read a second time.
    expect(stage.source.traffic.blobBytesServed()).toBeLessThan(2 * image.bytes);
    expect(await pullImage(stage.realTarget, `slow/${path}`, '1')).toMatchObject({ problems: [] });
  });

  test('do not wait for one that fails, nor for one that is called off', async () => {
    const path = 'team/fails';
    await push(path, [6 * mib, 6 * mib, mib]);
    const client = stage.makeClient({}, other.host);
    other.setRules({
      ...{ method: 'PUT', path: /\/uploads\// },
      fault: { kind: 'reset-upload', afterBytes: mib },
    });
    const calledOff = new AbortController();
    const copyTo = (to: FaultRegistry, toPath: string, signal = AbortSignal.timeout(20_000)) =>
      client.copier.copy(stage.request({ path, to, toPath }), signal);
    const good = copyTo(stage.target, `good/${path}`);
    const bad = copyTo(other, `bad/${path}`);
    const off = copyTo(stage.target, `off/${path}`, calledOff.signal);
    await delay(30);
    calledOff.abort();
    expect(await good).toMatchObject({ kind: 'copied' });
    expect(await bad).toMatchObject({ kind: 'failed', side: 'target', reason: 'unreachable' });
    expect(await off).toMatchObject({ kind: 'failed' });
  });

  test('are both told when the source gives other bytes, and neither has a tag', async () => {
    const path = 'team/corrupt';
    await push(path, [3 * mib]);
    stage.source.setRules({ path: /\/blobs\//, fault: { kind: 'corrupt', atByte: 200 } });
    const client = stage.makeClient({}, other.host);
    const copies = [stage.target, other].map((to, index) =>
      client.copier.copy(
        stage.request({ path, to, toPath: `${index}/${path}` }),
        AbortSignal.timeout(20_000),
      ),
    );
    const expected = { kind: 'failed', side: 'source', reason: 'corrupt' };
    expect(await Promise.all(copies)).toMatchObject([expected, expected]);
    expect(await pullImage(stage.realTarget, `0/${path}`, '1')).toBeUndefined();
  });
});

describe('one read', () => {
  test('is shared with another credential only once that was let in by itself', async () => {
    const path = 'team/private';
    const image = await push(path, [2 * mib]);
    stage.source.setAuth({ kind: 'basic', users: { alice: alice.password, bob: 'letmein' } });
    const bob = { ...alice, source: 'other/pull', username: 'bob', password: 'letmein' };
    const client = stage.makeClient({}, other.host);
    const copies = [alice, bob, mallory].map((credential, index) =>
      client.copier.copy(
        stage.request({
          ...{ path, to: other, toPath: `${index}/${path}` },
          ...{ sourceCredentials: [credential], targetCredentials: [] },
        }),
        AbortSignal.timeout(20_000),
      ),
    );
    expect(await Promise.all(copies)).toMatchObject([
      { kind: 'copied' },
      { kind: 'copied' },
      { kind: 'failed', side: 'source', reason: 'source-denied' },
    ]);
    expect(stage.source.traffic.blobBytesServed()).toBe(image.bytes);
    const heads = stage.source.requests().filter(({ method }) => method === 'HEAD');
    const senders = new Set(heads.map(({ authorization }) => authorization));
    expect(senders.size).toBeGreaterThanOrEqual(3);
    expect(await pullImage(stage.realTarget, `2/${path}`, '1')).toBeUndefined();
  });
});

describe('a mount', () => {
  test('is not asked for by who was not let in at the source by itself', async () => {
    await pushLayeredImage(stage.realTarget, 'origin/secret:1', { layers: [{ bytes: 9_000 }] });
    stage.target.setAuth({ kind: 'basic', users: { alice: alice.password } });
    const { copier } = stage.makeClient();
    const request = stage.request({
      ...{ path: 'origin/secret', from: stage.target, toPath: 'theirs/secret' },
      ...{ sourceCredentials: [mallory], targetCredentials: [alice] },
    });
    expect(await copier.copy(request, AbortSignal.timeout(10_000))).toMatchObject({
      ...{ kind: 'failed', side: 'source', reason: 'source-denied' },
    });
    expect(stage.target.requests().filter(({ method }) => method === 'POST')).toEqual([]);
  });
});

describe('one repository', () => {
  test('gets a blob that two images have in common once', async () => {
    const layers = [{ bytes: 4 * mib, seed: 'common' }];
    for (const tag of ['1', '2']) {
      await pushLayeredImage(stage.realSource, `team/two${tag}:1`, {
        layers: [...layers, { bytes: 1_000 }],
      });
    }
    const client = stage.makeClient();
    const copies = ['1', '2'].map((tag) =>
      client.copier.copy(
        {
          ...stage.request({ path: `team/two${tag}` }),
          target: { registry: stage.target.host, path: 'team/both', tag },
        },
        AbortSignal.timeout(20_000),
      ),
    );
    expect(await Promise.all(copies)).toMatchObject([{ kind: 'copied' }, { kind: 'copied' }]);
    expect(stage.target.traffic.blobBytesReceived()).toBeLessThan(5 * mib);
    for (const tag of ['1', '2']) {
      expect(await pullImage(stage.realTarget, 'team/both', tag)).toMatchObject({ problems: [] });
    }
  });
});

describe('many copies at once', () => {
  test('wait for their turn at a registry, and none for another for ever', async () => {
    const paths = Array.from({ length: 24 }, (_, index) => `team/turn${index}`);
    for (const path of paths) await push(path, [600_000, 600_000, 600_000]);
    const client = stage.makeClient({ transfers: { patienceMs: 200 } }, other.host);
    // Now and then a source breaks off: it is asked again while its upload goes on.
    stage.source.setRules({
      ...{ path: /\/blobs\//, times: 30 },
      fault: { kind: 'reset-body', afterBytes: 300_000 },
    });
    const copies = paths.flatMap((path) =>
      [stage.target, other].map((to, index) =>
        client.copier.copy(
          stage.request({ path, to, toPath: `turns${index}/${path}` }),
          AbortSignal.timeout(50_000),
        ),
      ),
    );
    const outcomes = await Promise.all(copies);
    expect(outcomes.filter(({ kind }) => kind !== 'copied')).toEqual([]);
    expect(stage.source.connections()).toBeLessThanOrEqual(40 + 60);
  });
});

describe('a mirror that does not answer', () => {
  test('holds up the others once, however many layers there are', async () => {
    const path = 'team/stuck';
    // Some that fit into the window, more of them than is kept for who is behind; and large ones.
    const small = Array.from({ length: 24 }, () => mib);
    await push(path, [...small, ...Array.from({ length: 8 }, () => 4 * mib)]);
    other.setRules({ path: /\/manifests\//, fault: { kind: 'hang' } });
    const client = stage.makeClient({ transfers: { patienceMs: 300 } }, other.host);
    const calledOff = new AbortController();
    const stuck = client.copier.copy(
      stage.request({ path, to: other, toPath: `stuck/${path}` }),
      calledOff.signal,
    );
    const startedMs = performance.now();
    const quick = await client.copier.copy(
      stage.request({ path, toPath: `quick/${path}` }),
      AbortSignal.timeout(20_000),
    );
    expect(quick).toMatchObject({ kind: 'copied' });
    // Not once for each of the large ones.
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    calledOff.abort();
    expect(await stuck).toMatchObject({ kind: 'failed' });
  });
});
