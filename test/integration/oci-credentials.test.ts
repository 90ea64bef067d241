import { connect, Socket } from 'node:net';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest';
import { probeImage } from '#actors/registries/probe-image.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import type { Credential } from '#core/credentials.ts';
import { version } from '#core/version.ts';
import type { OciClient } from '#oci/client.ts';
import type { FaultAuthOptions } from '#test/support/registries/fault-auth.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { pushImage } from '#test/support/registries/images.ts';
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

let stage: OciStage;
let front: FaultRegistry;

beforeAll(async () => {
  stage = await startOciStage();
  await pushImage(stage.plain, 'pay/app:1');
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

/** Another registry for the running test, with the stage's certificate. */
async function startOther(auth?: FaultAuthOptions): Promise<FaultRegistry> {
  const other = await startFaultRegistry({
    ...{ upstream: stage.plain, tls: stage.tls },
    ...(auth !== undefined && { auth }),
  });
  onTestFinished(other.close);
  return other;
}

async function ask(client: OciClient, credential?: Credential, path = 'team/app') {
  return await client.manifest(head(imageOn(front, path), credential), soon());
}

/** What a check with these credentials comes to. */
async function probe(...credentials: readonly Credential[]) {
  const clock = new TimerHeap();
  onTestFinished(() => clock.close());
  const reference = imageOn(front);
  const client = stage.makeClient({}, front.host);
  return await probeImage(
    {
      ...{ client, clock, reference, credentials },
      ...{ method: 'HEAD', resolveDigest: false, timeoutMs: 5_000 },
    },
    new AbortController().signal,
  );
}

describe('one path of a shared registry', () => {
  test('does not say where the credential of another one goes', async () => {
    const thief = await startOther(bearer);
    const client = stage.makeClient({}, front.host);
    const challenge = `Bearer realm="${thief.url}/token",service="thief"`;
    front.setRules({
      path: /\/v2\/evil\//,
      fault: { kind: 'answer', status: 401, headers: { 'www-authenticate': challenge } },
    });
    for (let asked = 0; asked < 2; asked += 1) {
      await ask(client, mallory, 'evil/app');
      expect(await ask(client, alice)).toMatchObject({ ok: true });
      expect(await ask(client, alice, 'pay/app')).toMatchObject({ ok: true });
    }
    const sent = thief.requests().map(({ authorization }) => decode(authorization));
    expect(sent.filter((text) => text.includes('alice'))).toEqual(
      // Mallory calls herself alice, with another password.
      sent.filter((text) => text.includes(mallory.password)),
    );
    expect(sent.some((text) => text.includes(alice.password))).toBe(false);
  });

  test('does not change what the registry itself asked for either', async () => {
    const client = stage.makeClient({}, front.host);
    await ask(client, alice);
    await ask(client, alice, 'pay/app');
    front.setRules({
      path: /\/v2\/evil\//,
      fault: { kind: 'answer', status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } },
    });
    await ask(client, mallory, 'evil/app');
    front.resetCounts();
    expect(await ask(client, alice, 'team/app')).toMatchObject({ ok: true });
    expect(front.requests().map(({ authorization }) => authorization?.split(' ')[0])).toEqual([
      'Bearer',
    ]);
  });
});

describe('a credential that a token service refuses', () => {
  test.each([
    [400, ''],
    [401, ''],
    [403, ''],
    [404, ''],
    [200, '{}'],
    [200, '{"token":""}'],
  ])('with %i and %j makes room for the next one', async (status, body) => {
    const wrong = `^Basic ${Buffer.from(`alice:${mallory.password}`).toString('base64')}$`;
    front.setRules({
      ...{ path: /^\/token/, authorization: new RegExp(wrong) },
      fault: { kind: 'answer', status, body },
    });
    expect(await probe(mallory, alice)).toMatchObject({ kind: 'Available', credentialIndex: 1 });
    expect(await probe(mallory)).toMatchObject({ kind: 'InvalidAuth' });
  });

  test('is no reason to try another where the service itself is in trouble', async () => {
    for (const [status, kind] of [
      [429, 'QuotaExceeded'],
      [503, 'Unreachable'],
    ] as const) {
      front.setRules({ path: /^\/token/, fault: { kind: 'answer', status } });
      expect(await probe(mallory, alice)).toMatchObject({ kind });
    }
  });
});

describe('an identity token', () => {
  const openshift: Credential = { ...alice, username: '<token>', password: 'sha256~secret' };

  test('is tried as such first, then as user and password', async () => {
    for (const status of [undefined, 400, 401, 403, 404, 405]) {
      front.setRules(
        ...(status === undefined
          ? []
          : [{ method: 'POST', fault: { kind: 'answer', status } as const }]),
      );
      front.setAuth({ ...bearer, users: { '<token>': openshift.password } });
      front.resetCounts();
      const client = stage.makeClient({}, front.host);
      expect(await ask(client, openshift)).toMatchObject({ ok: true });
      const tokens = front.requests().filter(({ path }) => path.startsWith('/token'));
      expect(tokens.map(({ method }) => method)).toEqual(['POST', 'GET']);
      // What was refused once is not tried again each time.
      front.setAuth({ ...bearer, users: { '<token>': openshift.password } });
      front.resetCounts();
      expect(await ask(client, openshift)).toMatchObject({ ok: true });
      expect(front.requests().map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD']);
    }
  });

  test('whose token the registry refuses makes room for the password', async () => {
    const token = JSON.stringify({ token: 'opens-nothing' });
    front.setRules({ method: 'POST', fault: { kind: 'answer', status: 200, body: token } });
    const both: Credential = { ...alice, identityToken: 'identity' };
    expect(await ask(stage.makeClient({}, front.host), both)).toMatchObject({ ok: true });
    expect(await probe(both)).toMatchObject({ kind: 'Available', credentialIndex: 0 });
  });

  test('alone, where it is refused, is no reason to ask as nobody', async () => {
    front.setAuth({ ...bearer, anonymous: true, users: {} });
    const alone: Credential = {
      source: 'team/pull',
      username: '',
      password: '',
      identityToken: 'x',
    };
    expect(await probe(alone)).toMatchObject({ kind: 'InvalidAuth' });
    const tokens = front.requests().filter(({ path }) => path.startsWith('/token'));
    expect(tokens.every(({ method }) => method === 'POST')).toBe(true);
  });

  test('is a password where the registry asks for one', async () => {
    front.setAuth({ kind: 'basic', users: { '<token>': openshift.password } });
    expect(await probe(openshift)).toMatchObject({ kind: 'Available' });
  });
});

describe('a name that sends us on to another registry', () => {
  const sendTo = ({ url }: FaultRegistry): void =>
    front.setRules({
      path: /^\/v2\/team/,
      fault: {
        kind: 'answer',
        status: 307,
        headers: { location: `${url}/v2/team/app/manifests/1` },
      },
    });

  test('is answered there as nobody, by its own token service', async () => {
    const other = await startOther({ kind: 'bearer', anonymous: true });
    front.setAuth(undefined);
    sendTo(other);
    const client = stage.makeClient({}, front.host);
    for (const credential of [undefined, alice]) {
      expect(await ask(client, credential)).toMatchObject({ ok: true });
    }
    expect(await probe(alice)).toMatchObject({ kind: 'Available' });
    const shown = other.requests().map(({ authorization }) => decode(authorization));
    expect(shown.some((text) => text.includes('alice'))).toBe(false);
  });

  test('is told once that a remembered token is not good any more', async () => {
    const other = await startOther({ kind: 'bearer', anonymous: true });
    front.setAuth(undefined);
    sendTo(other);
    const client = stage.makeClient({}, front.host);
    await ask(client);
    other.setAuth({ kind: 'bearer', anonymous: true });
    expect(await ask(client)).toMatchObject({ ok: true });
  });

  test('is InvalidAuth where nobody is let in there', async () => {
    const other = await startOther(bearer);
    front.setAuth(undefined);
    sendTo(other);
    expect(await probe(alice)).toMatchObject({ kind: 'InvalidAuth' });
    expect(other.requests().map(({ path }) => path.split('?')[0])).toEqual([
      '/v2/team/app/manifests/1',
      '/token',
    ]);
  });
});

test('who asks is said to registries, token services and where they send us on to', async () => {
  const other = await startOther();
  front.setRules({
    path: /pay/,
    fault: {
      kind: 'answer',
      status: 302,
      headers: { location: `${other.url}/v2/pay/app/manifests/1` },
    },
  });
  const client = stage.makeClient({}, front.host);
  await ask(client, alice);
  await ask(client, alice, 'pay/app');
  await client.ping(front.host, soon());
  for (const seen of [front.userAgents(), other.userAgents()]) {
    expect([...new Set(seen)]).toEqual([`kuik/${version}`]);
  }
});

describe('an answer before the silence', () => {
  test('is told, be it a challenge or a redirect', async () => {
    const client = stage.makeClient({}, front.host);
    front.setRules({ path: /^\/token/, fault: { kind: 'hang' } });
    const image = head(imageOn(front), alice);
    expect(await client.manifest(image, AbortSignal.timeout(300))).toMatchObject({
      error: { cause: 'timeout', answered: true },
    });
    const location = 'https://gone.example.com/';
    front.setRules({ fault: { kind: 'answer', status: 307, headers: { location } } });
    // Neither there nor refused; what is written as an address is connected to as it stands.
    const openSocket = (port: number, address: string) =>
      address === '127.0.0.1' ? connect(port, address) : new Socket();
    const resolve = async () => ['127.0.0.2'];
    const gone = stage.makeClient({ resolve, openSocket }, front.host);
    expect(await gone.manifest(image, AbortSignal.timeout(300))).toMatchObject({
      error: { cause: 'timeout', answered: true },
    });
  });

  test('is not told where there was none', async () => {
    front.setRules({ fault: { kind: 'hang' } });
    const client = stage.makeClient({}, front.host);
    const answer = await client.manifest(head(imageOn(front)), AbortSignal.timeout(200));
    expect(answer).toMatchObject({ error: { cause: 'timeout' } });
    expect(answer.ok ? {} : answer.error).not.toHaveProperty('answered');
  });
});

function decode(authorization: string | undefined): string {
  const [, value = ''] = (authorization ?? '').split(' ');
  return Buffer.from(value, 'base64').toString();
}
