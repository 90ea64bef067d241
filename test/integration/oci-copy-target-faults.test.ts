import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Fault } from '#test/support/registries/faults.ts';
import { pushLayeredImage } from '#test/support/registries/layered-images.ts';
import { type OciCopyStage, startOciCopyStage } from '#test/support/registries/oci-copy-stage.ts';
import { alice } from '#test/support/registries/oci-stage.ts';
import { pullImage, tagsOf } from '#test/support/registries/pulled-image.ts';
import { eventually } from '#test/support/time/eventually.ts';

let stage: OciCopyStage;
let copies = 0;

const mib = 1024 * 1024;
const path = 'team/app';
const uploads = /\/blobs\/uploads\//;
const manifests = /\/manifests\//;

beforeAll(async () => {
  stage = await startOciCopyStage();
  await pushLayeredImage(stage.realSource, `${path}:1`, {
    layers: [{ bytes: 5 * mib }, { bytes: 3 * mib + 1 }],
  });
});
afterEach(async () => {
  await stage.reset();
});
afterAll(async () => {
  await stage?.close();
});

/** To a place of its own; what came of it, and what is there now. */
async function copy(
  wanted: Partial<Parameters<OciCopyStage['copy']>[0]> = {},
  options?: Parameters<OciCopyStage['copy']>[1],
) {
  copies += 1;
  const toPath = `copies/${copies}`;
  const outcome = await stage.copy({ path, toPath, ...wanted }, options);
  return { outcome, copied: await pullImage(stage.realTarget, toPath, '1') };
}

const sound = { outcome: { kind: 'copied', found: false }, copied: { problems: [] } };

function seen(method: string, pattern: RegExp) {
  return stage.target
    .requests()
    .filter((request) => request.method === method && pattern.test(request.path));
}

describe('an upload', () => {
  test.each([200, 204])('may be answered with %d (rule 1)', async (status) => {
    let taken = 0;
    stage.target.setRules({
      ...{ method: 'PUT', path: uploads },
      fault: () => {
        taken += 1;
        return undefined;
      },
    });
    expect(await copy()).toMatchObject(sound);
    expect(taken).toBe(3);
    stage.target.setRules(
      { method: 'PUT', path: uploads, fault: { kind: 'late-answer', status } },
      { method: 'PUT', path: manifests, fault: { kind: 'late-answer', status: 201 } },
    );
    expect((await copy()).outcome).toMatchObject({ kind: 'copied' });
  });

  test('goes on in chunks where the registry takes no more at once (rule 2)', async () => {
    const client = stage.makeClient({ transfers: { chunkBytes: 2 * mib } });
    const fault: Fault = { kind: 'early-answer', status: 413, ending: 'close' };
    stage.target.setRules({ method: 'PUT', path: uploads, times: 1, fault });
    for (const toPath of ['chunks/1', 'chunks/2']) {
      const request = stage.request({ path, toPath });
      const outcome = await client.copier.copy(request, AbortSignal.timeout(20_000));
      expect(outcome).toMatchObject({ kind: 'copied' });
      expect(await pullImage(stage.realTarget, toPath, '1')).toMatchObject({ problems: [] });
    }
    // Who has said so once is not asked again: all blobs of the second come in pieces.
    const second = stage.target.requests().filter(({ path: to }) => to.includes('chunks/2'));
    expect(second.filter(({ method }) => method === 'PATCH')).toHaveLength(3 + 2 + 1);
  });

  test('whose later chunks are lost is no copy (rule 1)', async () => {
    const transfers = { chunkBytes: mib };
    stage.target.setRules(
      {
        ...{ method: 'PUT', path: uploads, times: 3 },
        fault: { kind: 'late-answer', status: 413 },
      },
      { method: 'PATCH', path: uploads, fault: { kind: 'lose-chunks' } },
    );
    const { outcome, copied } = await copy({}, { transfers });
    expect(outcome).toMatchObject({ kind: 'failed', side: 'target' });
    expect(copied).toBeUndefined();
  });

  test.each(['close', 'reset'] as const)('that is answered early, with a %s', async (ending) => {
    for (const [status, reason] of [
      [507, 'no-space'],
      [403, 'denied'],
    ] as const) {
      const fault: Fault = { kind: 'early-answer', status, ending };
      stage.target.setRules({ method: 'PUT', path: uploads, fault });
      const { outcome, copied } = await copy();
      expect(outcome).toMatchObject({ kind: 'failed', side: 'target' });
      if (ending === 'close') expect(outcome).toMatchObject({ reason });
      expect(outcome).not.toHaveProperty('silent');
      expect(copied).toBeUndefined();
    }
  });

  test.each(['close', 'reset'] as const)(
    'that is refused early for its token, with a %s, is sent once more (rule 4)',
    async (ending) => {
      stage.target.setAuth({ kind: 'bearer', users: { alice: alice.password } });
      const challenge = `Bearer realm="${stage.target.url}/token",service="fault"`;
      const headers = { 'www-authenticate': challenge };
      const fault: Fault = { kind: 'early-answer', status: 401, ending, headers };
      stage.target.setRules({ method: 'PUT', path: uploads, times: 1, fault });
      const { outcome, copied } = await copy({ targetCredentials: [alice] });
      // A RST may overtake the answer: then it is a reset, which the copy backs off from.
      if (ending === 'close') expect({ outcome, copied }).toMatchObject(sound);
      else if (outcome.kind === 'failed') expect(outcome.reason).toBe('unreachable');
    },
  );

  test('that is refused for its token after the body is sent once more (rule 4)', async () => {
    stage.target.setAuth({ kind: 'bearer', users: { alice: alice.password } });
    let put = 0;
    stage.target.setRules({
      ...{ method: 'PUT', path: uploads },
      fault: () => {
        put += 1;
        if (put === 1) stage.target.expireTokens();
        return undefined;
      },
    });
    const outcome = await copy({ targetCredentials: [alice] });
    expect(outcome).toMatchObject(sound);
    const tokens = seen('GET', /^\/token/);
    // One for the repository, one more for each that found it expired.
    expect(tokens.length).toBeLessThanOrEqual(5);
    for (const token of tokens) expect(token.path).toContain('pull%2Cpush');
  });

  test('begins on a token that lives for another minute (rule 4)', async () => {
    stage.target.setAuth({ kind: 'bearer', users: { alice: alice.password }, lifetimeS: 30 });
    expect(await copy({ targetCredentials: [alice] })).toMatchObject(sound);
    stage.target.setAuth({ kind: 'bearer', users: { alice: alice.password }, lifetimeS: 300 });
    stage.target.resetCounts();
    expect(await copy({ targetCredentials: [alice] })).toMatchObject(sound);
    expect(seen('GET', /^\/token/)).toHaveLength(1);
  });

  test('whose answer is lost is asked for, not sent again', async () => {
    const fault: Fault = { kind: 'lose-answer' };
    stage.target.setRules({ method: 'PUT', path: uploads, times: 1, fault });
    expect(await copy()).toMatchObject(sound);
    expect(seen('HEAD', /\/blobs\//)).toHaveLength(1);
    expect(seen('PUT', uploads)).toHaveLength(3);
  });

  test('that is left is cancelled (rule 15)', async () => {
    stage.source.setRules({ path: /\/blobs\//, fault: { kind: 'corrupt', atByte: 100 } });
    const { outcome } = await copy();
    expect(outcome).toMatchObject({ side: 'source', reason: 'corrupt' });
    await eventually('an upload is cancelled', () => seen('DELETE', uploads).length > 0);
  });

  test('stops when it is called off, and is cancelled', async () => {
    stage.target.setRules({
      ...{ method: 'PUT', path: uploads },
      fault: { kind: 'stall-upload', afterBytes: mib },
    });
    const calledOff = new AbortController();
    const wanted = { path, toPath: 'called/off' };
    const copying = stage.copy(wanted, undefined, calledOff.signal);
    await eventually('it uploads', () => seen('PUT', uploads).length === 3);
    calledOff.abort();
    expect(await copying).toMatchObject({ kind: 'failed' });
    // The third is the configuration, which was small enough to arrive.
    await eventually('its uploads are cancelled', () => seen('DELETE', uploads).length >= 2);
    expect(await tagsOf(stage.realTarget, 'called/off')).toEqual([]);
  });

  test('is dead when nothing is taken for too long, and not when it is slow (rule 19)', async () => {
    // Buffers empty in leaps: what goes out every 40 ms is seen to go out every second.
    const transfers = { idleMs: 2_500 };
    stage.target.setRules({
      ...{ method: 'PUT', path: uploads },
      fault: { kind: 'drip-upload', bytes: 65_536, everyMs: 40 },
    });
    expect(await copy({}, { transfers })).toMatchObject(sound);
    // More than the buffers of both systems hold.
    await pushLayeredImage(stage.realSource, 'team/large:1', { layers: [{ bytes: 32 * mib }] });
    stage.target.setRules({
      ...{ method: 'PUT', path: uploads },
      fault: { kind: 'stall-upload', afterBytes: mib },
    });
    const { outcome } = await copy({ path: 'team/large' }, { transfers });
    expect(outcome).toMatchObject({ kind: 'failed', side: 'target', reason: 'unreachable' });
    expect(outcome).not.toHaveProperty('silent');
  });
});

describe('a mount (rule 3)', () => {
  test.each([400, 401, 403, 404, 500, 'reset'] as const)(
    'that is answered with %s becomes an upload',
    async (status) => {
      await pushLayeredImage(stage.realTarget, 'origin/app:1', { layers: [{ bytes: 50_000 }] });
      const fault: Fault = status === 'reset' ? { kind: 'reset' } : { kind: 'answer', status };
      stage.target.setRules({ method: 'POST', query: /mount=/, fault });
      const wanted = { path: 'origin/app', from: stage.target };
      expect(await copy(wanted)).toMatchObject(sound);
      expect(seen('PUT', uploads)).toHaveLength(2);
    },
  );

  test('is asked for with the rights to both repositories (rule 4)', async () => {
    await pushLayeredImage(stage.realTarget, 'origin/app:1', { layers: [{ bytes: 50_000 }] });
    stage.target.setAuth({ kind: 'bearer', users: { alice: alice.password } });
    const wanted = { path: 'origin/app', from: stage.target, credentials: [alice] };
    expect(await copy(wanted)).toMatchObject(sound);
    expect(stage.target.traffic.blobBytesReceived()).toBe(0);
    const scopes = seen('GET', /^\/token/).map(({ path: asked }) => decodeURIComponent(asked));
    expect(scopes.some((asked) => /origin\/app:pull&|origin\/app:pull$/.test(asked))).toBe(true);
    expect(scopes.some((asked) => asked.includes(':pull,push'))).toBe(true);
  });

  test('that the registry takes for an upload is one', async () => {
    stage.target.setRules({ method: 'POST', query: /mount=/, fault: { kind: 'strip-query' } });
    expect(await copy()).toMatchObject(sound);
    expect(seen('POST', uploads)).toHaveLength(3);
  });
});

describe('where an upload goes on (rule 5)', () => {
  test('may be said over http, or with a path alone', async () => {
    for (const change of [
      (location: string) => location.replace('https:', 'http:'),
      (location: string) => new URL(location).pathname + new URL(location).search,
    ]) {
      stage.target.setRules({ path: uploads, fault: { kind: 'relocate', change } });
      expect(await copy()).toMatchObject(sound);
    }
  });

  test('may be another host, which gets no credential', async () => {
    stage.target.setAuth({ kind: 'basic', users: { alice: alice.password } });
    const change = (location: string) =>
      location.replace(stage.target.url, `https://${stage.source.host}`);
    stage.target.setRules({ path: uploads, fault: { kind: 'relocate', change } });
    stage.source.setRules({
      ...{ method: 'PUT', path: uploads },
      fault: { kind: 'late-answer', status: 201 },
    });
    await copy({ targetCredentials: [alice] });
    const elsewhere = stage.source.requests().filter(({ method }) => method === 'PUT');
    expect(elsewhere.length).toBeGreaterThan(0);
    for (const { authorization } of elsewhere) expect(authorization).toBeUndefined();
  });

  test('may be another host, which is no reason to suspect the registry', async () => {
    const change = (location: string) => location.replace(stage.target.host, '127.0.0.1:1');
    stage.target.setRules({ path: uploads, fault: { kind: 'relocate', change } });
    const options = { registries: { [stage.target.host]: { insecure: true } } };
    const { outcome } = await copy({}, options);
    expect(outcome).toMatchObject({ kind: 'failed', side: 'target', reason: 'unreachable' });
    expect(outcome).not.toHaveProperty('silent');
  });

  test('is refused where it is a link-local address', async () => {
    const change = () => 'https://169.254.169.254/v2/x/blobs/uploads/1';
    stage.target.setRules({ path: uploads, fault: { kind: 'relocate', change } });
    const { outcome } = await copy();
    expect(outcome).toMatchObject({
      ...{ kind: 'failed', side: 'target' },
      message: expect.stringContaining('link-local'),
    });
  });
});
