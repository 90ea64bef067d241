import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type FaultRegistry,
  type FaultRegistryOptions,
  startFaultRegistry,
} from '#test/support/registries/fault-registry.ts';
import { claimsBlobs, mountIgnored, mountRefused } from '#test/support/registries/fault-rules.ts';
import { digestOf } from '#test/support/registries/images.ts';
import { alice, bearer } from '#test/support/registries/oci-stage.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import {
  type RegistryRequest,
  registryRequest,
} from '#test/support/registries/registry-request.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';

let registry: TestRegistry;
let front: FaultRegistry;
let certificate: Pick<FaultRegistryOptions, 'tls'>;
const bytes = Buffer.alloc(300_000, 'layer');
const digest = digestOf(bytes);

beforeAll(async () => {
  registry = await startRegistry();
  const authority = await makeAuthority();
  certificate = { tls: { ...(await authority.issue()), authorityPem: authority.pem } };
});
beforeEach(async () => {
  front = await startFaultRegistry({ ...certificate, upstream: registry });
});
afterEach(async () => await front.close());
afterAll(async () => await registry?.remove());

let repositories = 0;
const newRepository = (): string => {
  repositories += 1;
  return `faults/app-${repositories}`;
};
const ask = async (request: RegistryRequest) => await registryRequest(front, request);

async function startUpload(repository: string, query = ''): Promise<URL> {
  const started = await ask({ path: `/v2/${repository}/blobs/uploads/${query}`, method: 'POST' });
  expect(started.status).toBe(202);
  return new URL(String(started.headers['location']));
}

async function put(location: URL, body: Buffer = bytes) {
  const target = new URL(location);
  target.searchParams.set('digest', digest);
  return await ask({ path: `${target.pathname}${target.search}`, method: 'PUT', body });
}

async function patch(location: URL, from: number, to: number) {
  const response = await ask({
    path: `${location.pathname}${location.search}`,
    method: 'PATCH',
    body: bytes.subarray(from, to),
    headers: { 'content-range': `${from}-${to - 1}` },
  });
  return { status: response.status, location: new URL(String(response.headers['location'])) };
}

async function has(repository: string): Promise<boolean> {
  const path = `/v2/${repository}/blobs/${digest}`;
  return (await registryRequest(registry, { path, method: 'HEAD' })).status === 200;
}

/** Not `once`, which takes the error that comes before for the end. */
async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => void socket.on('close', () => resolve()));
}

describe('an upload', () => {
  test('leads through the fault registry again, and is counted', async () => {
    const repository = newRepository();
    const location = await startUpload(repository);
    expect(location.host).toBe(front.host);
    expect(location.protocol).toBe('https:');
    expect((await put(location)).status).toBe(201);
    expect(front.traffic.requests()).toEqual({ 'POST upload': 1, 'PUT upload': 1 });
    expect(front.traffic.blobBytesReceived()).toBe(bytes.length);
    expect(await has(repository)).toBe(true);
  });

  test('is reset after so many bytes, and nothing is there', async () => {
    const repository = newRepository();
    const location = await startUpload(repository);
    front.setRules({ method: 'PUT', fault: { kind: 'reset-upload', afterBytes: 100_000 } });
    await expect(put(location)).rejects.toThrow();
    expect(front.traffic.blobBytesReceived()).toBeGreaterThanOrEqual(100_000);
    expect(await has(repository)).toBe(false);
  });

  test.each(['close', 'reset'] as const)(
    'is answered before one byte of it is read (%s)',
    async (ending) => {
      const location = await startUpload(newRepository());
      front.setRules({ method: 'PUT', fault: { kind: 'early-answer', status: 413, ending } });
      const socket = connect({ port: front.port, host: '127.0.0.1', ca: front.authorityPem ?? '' });
      socket.on('error', () => undefined);
      socket.write(
        `PUT ${location.pathname}${location.search} HTTP/1.1\r\nhost: ${front.host}\r\ncontent-length: 300000\r\n\r\n`,
      );
      const [answer] = await once(socket, 'data');
      expect(String(answer)).toMatch(/^HTTP\/1.1 413 .*connection: close/s);
      await closed(socket);
      expect(front.traffic.blobBytesReceived()).toBe(0);
    },
  );

  test('in chunks loses all but the first, each with 201', async () => {
    const repository = newRepository();
    front.setRules({ fault: { kind: 'lose-chunks' } });
    const first = await patch(await startUpload(repository), 0, 200_000);
    const second = await patch(first.location, 200_000, 300_000);
    expect([first.status, second.status]).toEqual([201, 201]);
    expect((await put(second.location, Buffer.alloc(0))).status).toBe(400);
    expect(await has(repository)).toBe(false);
  });

  test('arrives though its answer is lost', async () => {
    const repository = newRepository();
    const location = await startUpload(repository);
    front.setRules({ method: 'PUT', fault: { kind: 'lose-answer' } });
    await expect(put(location)).rejects.toThrow();
    expect(await has(repository)).toBe(true);
  });

  test('is sent where the Location says, over http for one', async () => {
    const change = (location: string) => location.replace('https:', 'http:');
    front.setRules({ fault: { kind: 'relocate', change } });
    expect((await startUpload(newRepository())).protocol).toBe('http:');
  });
});

describe('a mount', () => {
  test('is served, refused or taken for an upload', async () => {
    const [from, to] = [newRepository(), newRepository()];
    await put(await startUpload(from));
    const path = `/v2/${to}/blobs/uploads/?mount=${digest}&from=${from}`;
    const statuses: number[] = [];
    for (const rules of [[mountRefused(401)], [mountIgnored], []]) {
      front.setRules(...rules);
      statuses.push((await ask({ path, method: 'POST' })).status);
    }
    expect(statuses).toEqual([401, 202, 201]);
  });
});

describe('a blob', () => {
  const path = `/v2/faults/blobs/blobs/${digest}`;
  beforeAll(async () => {
    front = await startFaultRegistry({ ...certificate, upstream: registry });
    await put(await startUpload('faults/blobs'));
    await front.close();
  });

  test('breaks off after so many bytes, which arrive before', async () => {
    front.setRules({ fault: { kind: 'reset-body', afterBytes: 123_456 } });
    const socket = connect({ port: front.port, host: '127.0.0.1', ca: front.authorityPem ?? '' });
    const errors: string[] = [];
    let text = '';
    socket.on('error', ({ message }) => errors.push(message));
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part;
    });
    socket.write(`GET ${path} HTTP/1.1\r\nhost: ${front.host}\r\n\r\n`);
    await closed(socket);
    expect(text.split('\r\n\r\n')[1]?.replaceAll(/\r\n.*/gs, '')).toHaveLength(123_456);
    expect(errors).toEqual([expect.stringContaining('ECONNRESET')]);
    expect(front.traffic.blobBytesServed()).toBe(123_456);
  });

  test('is another, shorter, longer, or whole where a range was asked for', async () => {
    front.setRules({ fault: { kind: 'corrupt', atByte: 299_999 } });
    const corrupt = (await ask({ path })).body;
    expect(corrupt).toHaveLength(300_000);
    expect(corrupt.subarray(0, 299_999).equals(bytes.subarray(0, 299_999))).toBe(true);
    expect(digestOf(corrupt)).not.toBe(digest);
    for (const byBytes of [-5, 5]) {
      front.setRules({ fault: { kind: 'resize', byBytes } });
      expect((await ask({ path })).body).toHaveLength(300_000 + byBytes);
    }
    const headers = { range: 'bytes=100000-' };
    front.setRules();
    expect(await ask({ path, headers })).toMatchObject({ status: 206 });
    front.setRules({ fault: { kind: 'strip-request', headers: ['range'] } });
    const whole = await ask({ path, headers });
    expect([whole.status, whole.body.length]).toEqual([200, 300_000]);
  });

  test('is said to be there though it is not', async () => {
    front.setRules(claimsBlobs(1));
    const missing = path.replace('faults/blobs', newRepository());
    expect((await ask({ path: missing, method: 'HEAD' })).status).toBe(200);
    expect((await ask({ path: missing, method: 'HEAD' })).status).toBe(404);
  });
});

describe('tokens', () => {
  const token = async (...scopes: readonly string[]): Promise<string> => {
    const query = scopes.map((scope) => `scope=${encodeURIComponent(scope)}`).join('&');
    const basic = Buffer.from(`${alice.username}:${alice.password}`).toString('base64');
    const headers = { authorization: `Basic ${basic}` };
    const { body } = await ask({ path: `/token?${query}`, headers });
    return `Bearer ${(JSON.parse(String(body)) as { token: string }).token}`;
  };
  const post = async (authorization: string, query = '') =>
    await ask({
      path: `/v2/a/b/blobs/uploads/${query}`,
      method: 'POST',
      headers: { authorization },
    });

  test('open what their scopes name and no more, until they expire', async () => {
    front.setAuth(bearer);
    const pull = await post(await token('repository:a/b:pull'));
    expect(pull.status).toBe(401);
    expect(pull.headers['www-authenticate']).toContain('scope="repository:a/b:pull,push"');
    const push = await token('repository:a/b:pull,push');
    expect((await post(push)).status).toBe(202);
    const mount = `?mount=${digest}&from=c/d`;
    expect((await post(push, mount)).status).toBe(401);
    const both = await token('repository:a/b:pull,push', 'repository:c/d:pull');
    expect((await post(both, mount)).status).toBe(202);
    front.expireTokens();
    expect((await post(push)).status).toBe(401);
  });
});
