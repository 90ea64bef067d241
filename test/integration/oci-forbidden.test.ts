import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createOciClient, type OciClientOptions } from '#oci/client.ts';
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
import { makeAuthority } from '#test/support/registries/tls.ts';

/** Names that the certificate of the test has, each at the address that its first part says. */
const names = [
  'public.example.com',
  'public-too.example.com',
  'private.example.com',
  'own.example.com',
];
const addresses: Readonly<Record<string, string>> = {
  'public.example.com': '192.0.2.1',
  'public-too.example.com': '192.0.2.2',
  'private.example.com': '10.0.0.1',
  'own.example.com': '127.0.0.9',
};

let stage: OciStage;
let front: FaultRegistry;
/** What nobody outside may reach: it tells a secret to whoever asks. */
let inner: FaultRegistry;
let caFile: string;

beforeAll(async () => {
  stage = await startOciStage();
});
beforeEach(async () => {
  const authority = await makeAuthority();
  const issued = await authority.issue({ names: [...names, '127.0.0.1'] });
  const tls = { ...issued, authorityPem: authority.pem };
  caFile = authority.pem;
  front = await startFaultRegistry({ upstream: stage.plain, tls });
  inner = await startFaultRegistry({ tls });
  const body = '{"errors":[{"code":"SECRET","message":"of the inner host"}],"token":"t"}';
  inner.setRules({ fault: { kind: 'answer', status: 403, body } });
});
afterEach(async () => {
  await stage.closeClients();
  await front.close();
  await inner.close();
});
afterAll(async () => {
  await stage?.close();
});

/** Every name is a way to loopback here; what counts is the address that it resolves to. */
const world: OciClientOptions = {
  resolve: async (hostname) => [addresses[hostname] ?? '192.0.2.99'],
  openSocket: (port) => connect(port, '127.0.0.1'),
};

const at = (name: string, { port }: FaultRegistry = front) => `${name}:${port}`;

/** A request to `name`, whose registry sends us on to `target`. */
async function ask(name: string, target: string, method: 'HEAD' | 'GET' = 'HEAD') {
  const registries = { [at(name)]: { caFile } };
  const client = stage.makeClient({ ...world, registries });
  const location = `https://${target}/v2/`;
  front.setRules({ method, fault: { kind: 'answer', status: 307, headers: { location } } });
  return await client.manifest({ ...head(imageOn({ host: at(name) })), method }, soon());
}

describe('a redirect', () => {
  const cases: readonly (readonly [from: string, to: string, refused: boolean])[] = [
    ['public.example.com', 'private.example.com', true],
    ['public.example.com', 'own.example.com', true],
    ['public.example.com', '127.0.0.1', true],
    ['public.example.com', 'localhost', true],
    ['public.example.com', '10.0.0.1', true],
    ['public.example.com', '[::ffff:10.0.0.1]', true],
    ['public.example.com', 'public-too.example.com', false],
    ['private.example.com', 'own.example.com', true],
    ['private.example.com', '127.0.0.1', true],
    ['private.example.com', 'private.example.com', false],
    ['private.example.com', 'public.example.com', false],
    ['own.example.com', 'private.example.com', false],
    ['own.example.com', 'own.example.com', false],
  ];
  test.each(cases)('from %s to %s is refused: %s', async (from, to, refused) => {
    const answer = await ask(from, at(to, inner));
    expect(answer).toMatchObject({
      error: refused ? { kind: 'connection', cause: 'forbidden' } : { kind: 'answer', status: 403 },
    });
    expect(inner.connections()).toBe(refused ? 0 : 1);
  });

  test('over a host outside is that host’s, wherever it began', async () => {
    const between = at('public.example.com');
    front.setRules(
      {
        path: /^\/between/,
        fault: {
          kind: 'answer',
          status: 307,
          headers: { location: `https://${at('private.example.com', inner)}/` },
        },
      },
      {
        fault: { kind: 'answer', status: 307, headers: { location: `https://${between}/between` } },
      },
    );
    const host = at('private.example.com');
    const client = stage.makeClient({ ...world, registries: { [host]: { caFile } } });
    expect(await client.manifest(head(imageOn({ host })), soon())).toMatchObject({
      error: { cause: 'forbidden' },
    });
    expect(inner.connections()).toBe(0);
  });

  test('never shows more of another host than its status', async () => {
    const answer = await ask('private.example.com', at('private.example.com', inner), 'GET');
    expect(answer).toMatchObject({ error: { status: 403 } });
    expect(answer.ok ? '' : answer.error.message).not.toMatch(/SECRET|inner/);
  });

  test('may name the registry’s own host as http, which is read as https', async () => {
    const host = at('public.example.com');
    const client = stage.makeClient({ ...world, registries: { [host]: { caFile } } });
    const location = `http://${host}/v2/team/app/manifests/1`;
    front.setRules({
      path: /moved/,
      fault: { kind: 'answer', status: 307, headers: { location } },
    });
    const moved = head(imageOn({ host }, 'team/moved'));
    expect(await client.manifest(moved, soon())).toMatchObject({ ok: true });
  });
});

describe('a token service', () => {
  test.each([
    ['public.example.com', 'private.example.com', true],
    ['public.example.com', 'public-too.example.com', false],
    ['private.example.com', 'own.example.com', true],
    ['private.example.com', 'private.example.com', false],
  ])('of %s at %s is refused: %s', async (from, to, refused) => {
    const host = at(from);
    front.setAuth({ kind: 'bearer', realm: `https://${at(to, inner)}/token` });
    inner.setRules();
    inner.setAuth(bearer);
    const client = stage.makeClient({ ...world, registries: { [host]: { caFile } } });
    // Remembered, it is no nearer than it was.
    for (let asked = 0; asked < 2; asked += 1) {
      expect(await client.manifest(head(imageOn({ host }), alice), soon())).toMatchObject({
        error: refused ? { cause: 'forbidden' } : { status: 401 },
      });
    }
    expect(inner.connections() === 0).toBe(refused);
  });

  test('of another host shows no more than its status', async () => {
    const host = at('private.example.com');
    front.setAuth({ kind: 'bearer', realm: `https://${at('private.example.com', inner)}/token` });
    const client = stage.makeClient({ ...world, registries: { [host]: { caFile } } });
    const answer = await client.manifest(head(imageOn({ host }), alice), soon());
    expect(answer.ok ? '' : answer.error.message).toMatch(/token service .*got 403$/);
  });
});

describe('our own loopback', () => {
  test('is asked only where the configuration names the registry, however it is written', async () => {
    const { port } = front;
    const written = [
      '127.0.0.1',
      '127.1',
      '127.0.0.2',
      'localhost',
      '[::1]',
      '0.0.0.0',
      'own.example.com',
    ];
    const hosts = written.map((name) => `${name}:${port}`);
    const client = createOciClient(world);
    for (const host of hosts) {
      expect(await client.manifest(head(imageOn({ host })), soon())).toMatchObject({
        error: { kind: 'connection', cause: 'forbidden' },
      });
      expect(await client.ping(host, soon())).toMatchObject({ error: { cause: 'forbidden' } });
    }
    expect(front.connections()).toBe(0);
    await client.close();
    const naming = createOciClient({ registries: { [`127.0.0.1:${stage.plain.port}`]: {} } });
    for (const name of ['127.0.0.1', '127.1']) {
      const image = head(imageOn({ host: `${name}:${stage.plain.port}` }));
      expect(await naming.manifest(image, soon())).toMatchObject({ ok: true });
    }
    await naming.close();
  });
});

test('a registry is one, with one set of connections, however its name is written', async () => {
  const registries = { [at('Public.Example.com')]: { caFile } };
  const client = stage.makeClient({ ...world, registries });
  for (const name of ['public.example.com', 'PUBLIC.example.com', 'public.example.com.']) {
    const image = head(imageOn({ host: at(name) }));
    expect(await client.manifest(image, soon())).toMatchObject({ ok: true });
    // A connection is given back a turn of the event loop after its answer.
    await setImmediate();
  }
  expect(front.connections()).toBe(1);
});
