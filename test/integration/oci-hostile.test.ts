import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import {
  alice,
  bearer,
  head,
  imageOn,
  type OciStage,
  soon,
  startOciStage,
} from '#test/support/registries/oci-stage.ts';

let stage: OciStage;
let front: FaultRegistry;

beforeAll(async () => {
  stage = await startOciStage();
});
beforeEach(async () => {
  front = await startFaultRegistry({ upstream: stage.plain, tls: stage.tls });
});
afterEach(async () => {
  await stage.closeClients();
  await front.close();
});
afterAll(async () => {
  await stage?.close();
});

describe('redirects', () => {
  test('are followed, without the credential to another host', async () => {
    const other = await startFaultRegistry({ upstream: stage.plain, tls: stage.tls });
    front.setAuth({ kind: 'basic', users: { alice: alice.password } });
    const client = stage.makeClient({
      registries: { [front.host]: { caFile: stage.tls.authorityPem } },
    });
    await client.manifest(head(imageOn(front), alice), soon());
    front.setRules({
      fault: {
        kind: 'answer',
        status: 307,
        headers: { location: `${other.url}/v2/team/app/manifests/1` },
      },
    });
    expect(await client.manifest(head(imageOn(front), alice), soon())).toMatchObject({
      ok: true,
    });
    expect(front.requests().at(-1)?.authorization).toMatch(/^Basic /);
    expect(other.requests()).toEqual([{ method: 'HEAD', path: '/v2/team/app/manifests/1' }]);
    await other.close();
  });

  test('keep the credential on the same host', async () => {
    front.setAuth({ kind: 'basic', users: { alice: alice.password } });
    front.setRules({
      path: /moved/,
      fault: { kind: 'answer', status: 301, headers: { location: '/v2/team/app/manifests/1' } },
    });
    const client = stage.makeClient({}, front.host);
    await client.manifest(head(imageOn(front), alice), soon());
    const moved = imageOn(front, 'team/moved');
    expect(await client.manifest(head(moved, alice), soon())).toMatchObject({ ok: true });
  });

  test('to a host that asks who is there do not get it either', async () => {
    const other = await startFaultRegistry({
      tls: stage.tls,
      auth: { kind: 'basic', users: { alice: alice.password } },
    });
    front.setRules({
      fault: { kind: 'answer', status: 302, headers: { location: `${other.url}/elsewhere` } },
    });
    const client = stage.makeClient({}, front.host);
    expect(await client.manifest(head(imageOn(front), alice), soon())).toMatchObject({
      error: { status: 401 },
    });
    expect(other.requests().map(({ authorization }) => authorization)).toEqual([undefined]);
    await other.close();
  });

  test('without end are given up', async () => {
    front.setRules({
      fault: { kind: 'answer', status: 302, headers: { location: '/v2/team/app/manifests/1' } },
    });
    const client = stage.makeClient({}, front.host);
    expect(await client.manifest(head(imageOn(front)), soon())).toMatchObject({
      error: { kind: 'protocol' },
    });
    expect(front.requests()).toHaveLength(11);
  });

  test('to plain HTTP, a link-local address or another scheme are refused', async () => {
    const client = stage.makeClient({}, front.host);
    const places = [
      stage.plain.url,
      'https://169.254.169.254/latest',
      'https://[fe80::1]/',
      'https://[::ffff:169.254.1.1]/',
      'https://2852039166/',
      'file:///etc/passwd',
    ];
    for (const location of places) {
      front.setRules({ fault: { kind: 'answer', status: 302, headers: { location } } });
      expect(await client.manifest(head(imageOn(front)), soon())).toMatchObject({
        error: { kind: 'connection', cause: 'forbidden' },
      });
    }
  });

  test('of a plain-HTTP registry may go to another port of its host', async () => {
    const http = await startFaultRegistry({ upstream: stage.plain });
    http.setRules({
      fault: {
        kind: 'answer',
        status: 307,
        headers: { location: `${stage.plain.url}/v2/team/app/manifests/1` },
      },
    });
    const client = stage.makeClient({ registries: { [http.host]: { plainHTTP: true } } });
    expect(await client.manifest(head(imageOn(http)), soon())).toMatchObject({ ok: true });
    await http.close();
  });

  test('to a name that resolves to a link-local address are refused, before any connection', async () => {
    const client = stage.makeClient({ resolve: async () => ['169.254.169.254'] }, front.host);
    front.setRules({
      fault: { kind: 'answer', status: 302, headers: { location: 'https://meta.example.com/' } },
    });
    expect(await client.manifest(head(imageOn(front)), soon())).toMatchObject({
      error: { cause: 'forbidden', message: expect.stringContaining('169.254.169.254') },
    });
    expect(await client.ping('meta.example.com', soon())).toMatchObject({
      error: { cause: 'forbidden' },
    });
  });
});

describe('answers of any size and shape', () => {
  test('an error of 1 GB costs no more than its beginning', async () => {
    front.setRules({ fault: { kind: 'long-body', status: 500, bytes: 1_000_000_000 } });
    const client = stage.makeClient({}, front.host);
    const before = process.memoryUsage().rss;
    const startedAtMs = performance.now();
    expect(
      await client.manifest({ reference: imageOn(front), method: 'GET' }, soon()),
    ).toMatchObject({ error: { kind: 'answer', status: 500 } });
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000);
  });

  test('headers of up to 256 KiB are read, of registries and of token services', async () => {
    const headers = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`x-policy-${index}`, 'x'.repeat(12_000)]),
    );
    front.setAuth(bearer);
    front.setRules({ path: /^\/v2/, fault: { kind: 'headers', headers } });
    const client = stage.makeClient({}, front.host);
    expect(await client.manifest(head(imageOn(front), alice), soon())).toMatchObject({ ok: true });
    const token = JSON.stringify({ token: 'of-no-use' });
    front.setRules({
      path: /^\/token/,
      fault: { kind: 'answer', status: 200, headers, body: token },
    });
    const other = stage.makeClient({}, front.host);
    expect(await other.manifest(head(imageOn(front), alice), soon())).toMatchObject({
      error: { status: 401 },
    });
    const tooMuch = { ...headers, 'x-more': 'x'.repeat(30_000) };
    front.setRules({ fault: { kind: 'answer', status: 200, headers: tooMuch } });
    expect(await client.manifest(head(imageOn(front)), soon())).toMatchObject({
      error: { kind: 'protocol' },
    });
  });

  test('a page of text is no manifest, unless its digest says so', async () => {
    const client = stage.makeClient({}, front.host);
    const page = async (headers: Record<string, string>, method: 'HEAD' | 'GET') => {
      front.setRules({ fault: { kind: 'answer', status: 200, headers, body: '<h1>Sign in</h1>' } });
      return await client.manifest({ reference: imageOn(front), method }, soon());
    };
    for (const method of ['HEAD', 'GET'] as const) {
      for (const type of ['text/html', 'TEXT/plain; charset=utf-8']) {
        expect(await page({ 'content-type': type }, method)).toMatchObject({
          error: { kind: 'protocol', message: expect.stringMatching(/expected a manifest/) },
        });
      }
      const digest = `sha256:${'a'.repeat(64)}`;
      for (const headers of [
        { 'content-type': 'text/plain', 'docker-content-digest': digest },
        { 'content-type': 'application/json' },
        { 'x-none': '' },
      ]) {
        expect(await page(headers, method)).toMatchObject({ ok: true });
      }
    }
  });

  test('headers that never end are given up long before the deadline', async () => {
    const client = stage.makeClient({}, front.host);
    for (const kind of ['endless-header', 'endless-headers'] as const) {
      front.setRules({ fault: { kind } });
      expect(await client.manifest(head(imageOn(front)), soon())).toMatchObject({
        error: { kind: 'protocol' },
      });
    }
  });

  test('a manifest that breaks off is a reset, an error that breaks off is that error', async () => {
    const client = stage.makeClient({}, front.host);
    const get = { reference: imageOn(front), method: 'GET' } as const;
    front.setRules({ fault: { kind: 'truncate' } });
    expect(await client.manifest(get, soon())).toMatchObject({ error: { cause: 'reset' } });
    front.setRules({ fault: { kind: 'hang-body', status: 404 } });
    expect(await client.manifest(get, AbortSignal.timeout(300))).toMatchObject({
      error: { kind: 'answer', status: 404 },
    });
  });

  test('an error says what the registry said of it, on one line', async () => {
    front.setRules({
      fault: {
        kind: 'answer',
        status: 403,
        body: JSON.stringify({
          errors: [{ code: 'DENIED', message: `no\u0000\u001b${'x'.repeat(500)}` }],
        }),
      },
    });
    const client = stage.makeClient({}, front.host);
    const answer = await client.manifest({ reference: imageOn(front), method: 'GET' }, soon());
    const message = answer.ok ? '' : answer.error.message;
    expect(message).toMatch(/got 403 \(DENIED: no/);
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(message.length).toBeLessThan(250);
  });

  test('what Go’s client reads beside the usual is read, and what it does not is no crash', async () => {
    const client = stage.makeClient({}, front.host);
    const end = 'content-length: 0\r\n\r\n';
    const raw = async (text: string) => {
      front.setRules({ fault: { kind: 'raw', text } });
      return await client.manifest(head(imageOn(front)), AbortSignal.timeout(2_000));
    };
    for (const good of [
      `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n${end}`,
      `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(5)}HTTP/1.1 200 OK\r\n${end}`,
      `HTTP/1.0 200 OK\r\n\r\n`,
      `HTTP/1.1 200\r\n${end}`,
      `HTTP/1.1 200 OK\r\nx-name: \u00e4\r\n${end}`,
    ]) {
      expect(await raw(good)).toMatchObject({ ok: true });
    }
    for (const bad of [
      'HTTP/1.1 200 OK\nx: y\n\n',
      `HTTP/1.1 200 OK\r\nx : y\r\n${end}`,
      'SSH-2.0\r\n',
    ]) {
      expect(await raw(bad)).toMatchObject({ error: { kind: 'protocol' } });
    }
  });

  test('a body after HEAD, against the protocol, harms no later request', async () => {
    const client = stage.makeClient({}, front.host);
    const text = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello';
    front.setRules({ times: 2, fault: { kind: 'raw', text } });
    for (let asked = 0; asked < 4; asked += 1) {
      expect(await client.manifest(head(imageOn(front)), soon())).toMatchObject({ ok: true });
    }
    expect(front.requests()).toHaveLength(4);
  });
});

describe('what the client was told to wait for', () => {
  test('is read from Retry-After and the reset headers', async () => {
    const nowMs = 1_800_000_000_000;
    const client = stage.makeClient({
      registries: { [front.host]: { caFile: stage.tls.authorityPem } },
      nowMs: () => nowMs,
    });
    const cases: [Record<string, string>, number][] = [
      [{ 'retry-after': '30' }, nowMs + 30_000],
      [{ 'retry-after': new Date(nowMs + 90_000).toUTCString() }, nowMs + 90_000],
      [{ 'x-ratelimit-reset': String(nowMs / 1000 + 60) }, nowMs + 60_000],
      [{ 'ratelimit-reset': '45' }, nowMs + 45_000],
    ];
    for (const [headers, retryAtMs] of cases) {
      front.setRules({ fault: { kind: 'answer', status: 429, headers } });
      expect(await client.manifest(head(imageOn(front)), soon())).toMatchObject({
        error: { kind: 'answer', status: 429, retryAtMs },
      });
    }
    front.setRules({
      fault: { kind: 'headers', headers: { 'ratelimit-remaining': '76;w=21600' } },
    });
    expect(await client.manifest(head(imageOn(front)), soon())).toMatchObject({
      value: { quotaRemaining: 76 },
    });
  });
});
