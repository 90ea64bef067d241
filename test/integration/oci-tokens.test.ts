import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Credential } from '#core/credentials.ts';
import type { OciClient } from '#oci/client.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import {
  alice,
  bearer,
  head,
  imageOn,
  mallory,
  type OciStage,
  soon,
  startOciStage,
} from '#test/support/registries/oci-stage.ts';

/** What a token authentication costs in requests: the manifest and the token. */
const isToken = ({ path }: { readonly path: string }) => path.startsWith('/token');

let stage: OciStage;
let front: FaultRegistry;

beforeAll(async () => {
  stage = await startOciStage();
});
beforeEach(async () => {
  front = await startFaultRegistry({ upstream: stage.plain, tls: stage.tls, auth: bearer });
});
afterEach(async () => {
  await stage.closeClients();
  await front.close();
});
afterAll(async () => {
  await stage?.close();
});

async function ask(client: OciClient, credential?: Credential) {
  return await client.manifest(head(imageOn(front), credential), soon());
}

function tokensAsked(): number {
  return front.requests().filter(isToken).length;
}

describe('a registry with a token service', () => {
  test('lets in who has a credential, and nobody else', async () => {
    const client = stage.makeClient({}, front.host);
    expect(await ask(client, alice)).toMatchObject({ ok: true });
    expect(await ask(client, mallory)).toMatchObject({ error: { kind: 'answer', status: 401 } });
    expect(await ask(client)).toMatchObject({ error: { kind: 'answer', status: 401 } });
  });

  test('gives anonymous tokens where it does', async () => {
    front.setAuth({ ...bearer, anonymous: true });
    expect(await ask(stage.makeClient({}, front.host))).toMatchObject({ ok: true });
  });

  test('is asked for a token once while that lives, for each credential and repository', async () => {
    const bob: Credential = { ...alice, source: 'other/pull', username: 'bob' };
    front.setAuth({ ...bearer, users: { alice: alice.password, bob: bob.password } });
    const client = stage.makeClient({}, front.host);
    for (let asked = 0; asked < 3; asked += 1) await ask(client, alice);
    expect(tokensAsked()).toBe(1);
    await ask(client, bob);
    expect(tokensAsked()).toBe(2);
    await client.manifest(head(imageOn(front, 'team/other'), alice), soon());
    expect(tokensAsked()).toBe(3);
    // One was refused, and one asked the registry whether that holds for its other repositories.
    expect(front.requests()).toHaveLength(3 + 5 + 1 + 1);
    expect(front.requests().filter(({ path }) => path === '/v2/')).toHaveLength(1);
  });

  test('is asked anew when a token has expired', async () => {
    let nowMs = 0;
    const client = stage.makeClient(
      {
        registries: { [front.host]: { caFile: stage.tls.authorityPem } },
        monotonicMs: () => nowMs,
      },
      front.host,
    );
    await ask(client, alice);
    nowMs = 280_000;
    await ask(client, alice);
    expect(tokensAsked()).toBe(1);
    nowMs = 300_000;
    expect(await ask(client, alice)).toMatchObject({ ok: true });
    expect(tokensAsked()).toBe(2);
  });

  test('that forgot a token before its time gets another at once', async () => {
    const client = stage.makeClient({}, front.host);
    await ask(client, alice);
    // A new gate knows none of the tokens of the old one.
    front.setAuth(bearer);
    front.resetCounts();
    expect(await ask(client, alice)).toMatchObject({ ok: true });
    expect(front.requests().map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD']);
  });

  test('may say access_token, and leave out how long it lives', async () => {
    front.setAuth({ ...bearer, accessToken: true, lifetimeS: null });
    const client = stage.makeClient({}, front.host);
    for (let asked = 0; asked < 2; asked += 1) {
      expect(await ask(client, alice)).toMatchObject({ ok: true });
    }
    expect(tokensAsked()).toBe(1);
  });

  test('may want another scope than the usual one, and is asked for it at once next time', async () => {
    front.setAuth({ ...bearer, scopeOf: (repository) => `repository:mirror/${repository}:pull` });
    const client = stage.makeClient({}, front.host);
    for (let asked = 0; asked < 3; asked += 1) {
      expect(await ask(client, alice)).toMatchObject({ ok: true });
    }
    expect(tokensAsked()).toBe(1);
  });

  test('takes identity tokens by POST, each replaced by the next', async () => {
    front.setAuth({ ...bearer, identityTokens: ['identity'] });
    let nowMs = 0;
    const client = stage.makeClient({
      registries: { [front.host]: { caFile: stage.tls.authorityPem } },
      monotonicMs: () => nowMs,
    });
    const identity: Credential = { ...mallory, identityToken: 'identity' };
    for (; nowMs < 1_500_000; nowMs += 500_000) {
      expect(await ask(client, identity)).toMatchObject({ ok: true });
    }
    const posts = front.requests().filter(({ method }) => method === 'POST');
    expect(posts).toEqual(Array(3).fill({ method: 'POST', path: '/token' }));
    const stolen: Credential = { ...mallory, identityToken: 'stolen' };
    expect(await ask(client, stolen)).toMatchObject({ error: { status: 401 } });
  });

  test.each([404, 405])('without OAuth2 (%d to POST) is asked by GET', async (status) => {
    front.setRules({ method: 'POST', fault: { kind: 'answer', status } });
    const client = stage.makeClient({}, front.host);
    const identity: Credential = { ...alice, identityToken: 'identity' };
    expect(await ask(client, identity)).toMatchObject({ ok: true });
    expect(
      front
        .requests()
        .filter(isToken)
        .map(({ method }) => method),
    ).toEqual(['POST', 'GET']);
  });

  test('is not asked where the credential is a ready token', async () => {
    const client = stage.makeClient({}, front.host);
    const ready: Credential = { ...mallory, registryToken: 'not-one-of-its' };
    expect(await ask(client, ready)).toMatchObject({ error: { status: 401 } });
    expect(front.requests().map(({ authorization }) => authorization)).toEqual([
      'Bearer not-one-of-its',
    ]);
    const broken: Credential = { ...mallory, registryToken: 'two\r\nlines' };
    expect(await ask(client, broken)).toMatchObject({ error: { kind: 'protocol' } });
  });
});

describe('a combined challenge', () => {
  const challenges = (url: string) => [
    `Basic realm="r", Bearer realm="${url}/token",service="fault",scope="repository:team/app:pull"`,
  ];

  test('is answered with a token, in one header or in two', async () => {
    const [line = ''] = challenges(front.url);
    for (const challenge of [[line], ['Negotiate', 'Basic realm="r"', line]]) {
      front.setAuth({ ...bearer, challenge });
      expect(await ask(stage.makeClient({}, front.host), alice)).toMatchObject({ ok: true });
    }
  });

  test('of which we speak nothing is a 401', async () => {
    front.setAuth({ ...bearer, challenge: ['Negotiate', 'Bearer realm="no url"'] });
    expect(await ask(stage.makeClient({}, front.host), alice)).toMatchObject({
      error: { kind: 'answer', status: 401 },
    });
  });
});

describe('a token service in trouble', () => {
  const trouble = async (tokenAnswer: { status: number; body?: string }) => {
    front.setAuth({ ...bearer, tokenAnswer });
    return await ask(stage.makeClient({}, front.host), alice);
  };

  test('is the trouble of the registry where it throttles or fails', async () => {
    expect(await trouble({ status: 429 })).toMatchObject({ error: { status: 429 } });
    expect(await trouble({ status: 503 })).toMatchObject({ error: { status: 503 } });
    expect(await trouble({ status: 403 })).toMatchObject({ error: { status: 401 } });
  });

  test('is asked for at its new place when it has moved', async () => {
    let nowMs = 0;
    const registries = { [front.host]: { caFile: stage.tls.authorityPem } };
    const client = stage.makeClient({ registries, monotonicMs: () => nowMs });
    const old = await startFaultRegistry({ tls: stage.tls, auth: bearer });
    front.setAuth({ ...bearer, realm: `${old.url}/token` });
    // Where it was asked for, though it opens nothing here.
    expect(await ask(client, alice)).toMatchObject({ error: { status: 401 } });
    await old.close();
    nowMs = 300_000;
    front.setAuth(bearer);
    expect(await ask(client, alice)).toMatchObject({ error: { kind: 'connection' } });
    expect(await ask(client, alice)).toMatchObject({ ok: true });
  });

  test('never makes an image look absent', async () => {
    expect(await trouble({ status: 404 })).toMatchObject({ error: { status: 401 } });
    for (const status of [405, 204]) {
      expect(await trouble({ status })).toMatchObject({ error: { kind: 'protocol' } });
    }
  });

  test('that answers with anything but a token is told so', async () => {
    for (const body of ['', 'nonsense', 'null', '{"token":""}', '{"token":"a\\nb"}', '[1]']) {
      expect(await trouble({ status: 200, body })).toMatchObject({ error: { status: 401 } });
    }
    const long = JSON.stringify({ token: 'x'.repeat(100_000) });
    expect(await trouble({ status: 200, body: long })).toMatchObject({
      error: { kind: 'protocol' },
    });
  });

  test('at a place that no credential may go to is not asked', async () => {
    const other = await startFaultRegistry({ auth: bearer });
    const realms = [`${other.url}/token`, 'https://169.254.169.254/token', 'ftp://x.example/token'];
    for (const realm of realms) {
      front.setAuth({ ...bearer, realm });
      expect(await ask(stage.makeClient({}, front.host), alice)).toMatchObject({
        error: { kind: 'connection', cause: 'forbidden' },
      });
    }
    expect(other.requests()).toEqual([]);
    await other.close();
  });

  test('at a name that resolves to a link-local address is not asked', async () => {
    front.setAuth({ ...bearer, realm: 'https://auth.example.com/token' });
    const client = stage.makeClient({
      registries: { [front.host]: { caFile: stage.tls.authorityPem } },
      resolve: async () => ['::ffff:a9fe:a9fe'],
    });
    expect(await ask(client, alice)).toMatchObject({ error: { cause: 'forbidden' } });
  });

  test('gets no identity token passed on by a redirect', async () => {
    const thief = await startFaultRegistry({ tls: stage.tls });
    front.setRules({
      path: /^\/token/,
      fault: { kind: 'answer', status: 307, headers: { location: `${thief.url}/token` } },
    });
    const client = stage.makeClient({}, front.host);
    const identity: Credential = { ...mallory, identityToken: 'identity' };
    expect(await ask(client, identity)).toMatchObject({ error: { kind: 'protocol' } });
    await ask(client, alice);
    expect(thief.requests().map(({ authorization }) => authorization)).toEqual([undefined]);
    await thief.close();
  });

  test('on another port of a plain-HTTP registry is asked', async () => {
    const service = await startFaultRegistry();
    const registry = await startFaultRegistry({ upstream: stage.plain, auth: bearer });
    // The tokens of the service are not known here, but that it was asked is what counts.
    registry.setAuth({ ...bearer, realm: `${service.url}/token` });
    await stage.makeClient().manifest(head(imageOn(registry), alice), soon());
    expect(service.requests()).toMatchObject([{ authorization: expect.stringMatching(/^Basic/) }]);
    await service.close();
    await registry.close();
  });
});
