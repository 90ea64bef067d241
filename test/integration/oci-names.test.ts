import { writeFileSync } from 'node:fs';
import { connect, Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { OciClientOptions } from '#oci/client.ts';
import type { OpenSocket } from '#oci/dial.ts';
import { createSystemResolver } from '#oci/resolver.ts';
import { temporaryDirectory } from '#test/support/processes/guardian.ts';
import { type DnsAnswer, startDnsServer } from '#test/support/registries/dns-server.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import {
  head,
  imageOn,
  type OciStage,
  soon,
  startOciStage,
} from '#test/support/registries/oci-stage.ts';
import { makeAuthority } from '#test/support/registries/tls.ts';

let stage: OciStage;
let front: FaultRegistry;
/** What a client needs to speak to `front` under any of its names. */
let settings: { readonly caFile: string };

const names = ['registry.example.com', 'registry.team.svc.cluster.local', 'short'];

beforeAll(async () => {
  stage = await startOciStage();
  const authority = await makeAuthority();
  const tls = { ...(await authority.issue({ names })), authorityPem: authority.pem };
  front = await startFaultRegistry({ upstream: stage.plain, tls });
  settings = { caFile: authority.pem };
});
beforeEach(() => {
  front.resetCounts();
});
afterAll(async () => {
  await stage.closeClients();
  await front.close();
  await stage.close();
});

const at = (name: string) => `${name}:${front.port}`;

/** A resolver that reads files of the test and asks a name server of the test. */
async function makeResolver(
  answerOf: (name: string, family: 4 | 6) => DnsAnswer,
  { hosts = '', options = '' }: { readonly hosts?: string; readonly options?: string } = {},
) {
  const directory = temporaryDirectory('resolver');
  const server = await startDnsServer(answerOf);
  onTestFinished(async () => {
    await server.close();
    directory.remove();
  });
  const files = { hosts: join(directory.path, 'hosts'), settings: join(directory.path, 'resolv') };
  writeFileSync(files.hosts, hosts);
  writeFileSync(files.settings, `nameserver ${server.address}\n${options}\n`);
  return { resolve: createSystemResolver(files), server };
}

/** What is seen at any address is `front`; the addresses themselves decide what is allowed. */
const anywhere: OpenSocket = (port) => connect(port, '127.0.0.1');

async function ask(name: string, options: OciClientOptions) {
  const client = stage.makeClient({
    registries: { [at(name)]: settings },
    openSocket: anywhere,
    ...options,
  });
  return await client.manifest(head(imageOn({ host: at(name) })), soon());
}

describe('a name is resolved', () => {
  test('by its hosts file before any server is asked', async () => {
    const { resolve, server } = await makeResolver(() => 'silence', {
      hosts: '192.0.2.1 Registry.example.com',
    });
    expect(await ask('registry.example.com', { resolve })).toMatchObject({ ok: true });
    expect(server.asked()).toEqual([]);
  });

  test('with the search list of resolv.conf, in the order that ndots says', async () => {
    const options = 'search team.svc.cluster.local svc.cluster.local\noptions ndots:5';
    const { resolve, server } = await makeResolver(
      (name) => (name === 'registry.team.svc.cluster.local' ? ['10.0.0.1'] : 'no such name'),
      { options },
    );
    const signal = new AbortController().signal;
    expect(await resolve('registry', signal)).toEqual(['10.0.0.1']);
    await expect(resolve('quay.io', signal)).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect([...new Set(server.asked())]).toEqual([
      'registry.team.svc.cluster.local',
      'quay.io.team.svc.cluster.local',
      'quay.io.svc.cluster.local',
      'quay.io',
    ]);
  });

  test('though questions for IPv6 get no answer, or a wrong one', async () => {
    for (const wrong of ['silence', 'no such name'] as const) {
      const { resolve } = await makeResolver((_, family) => (family === 4 ? ['192.0.2.1'] : wrong));
      const startedAtMs = performance.now();
      expect(await resolve('registry.example.com', soon())).toEqual(['192.0.2.1']);
      expect(performance.now() - startedAtMs).toBeLessThan(500);
    }
  });

  test('to all its addresses, those of IPv4 first', async () => {
    const six = '2001:db8:0:0:0:0:0:1';
    const { resolve } = await makeResolver(() => [six, '192.0.2.1', '192.0.2.2']);
    expect(await resolve('registry.example.com', soon())).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      '2001:db8::1',
    ]);
  });

  test('or not, within the timeout and attempts of resolv.conf', async () => {
    const options = 'options timeout:1 attempts:1';
    const { resolve } = await makeResolver(() => 'silence', { options });
    const startedAtMs = performance.now();
    await expect(resolve('a.example.com', soon())).rejects.toMatchObject({ code: 'EAI_AGAIN' });
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
  });

  test('and who was asked for is told where it is not', async () => {
    const { resolve } = await makeResolver(() => 'no such name');
    const client = stage.makeClient({ resolve });
    expect(await client.ping('docker.io', soon())).toMatchObject({
      error: {
        cause: 'dns',
        message: 'docker.io: registry-1.docker.io does not resolve (ENOTFOUND)',
      },
    });
  });
});

describe('names that nobody answers for', () => {
  const silent = Array.from({ length: 32 }, (_, index) => `silent-${index}.example.com`);
  const answerOf = (name: string) => (name.startsWith('silent') ? 'silence' : ['192.0.2.1']);

  test('hold up no other', async () => {
    const { resolve } = await makeResolver(answerOf);
    const client = stage.makeClient({
      resolve,
      openSocket: anywhere,
      registries: { [at('registry.example.com')]: settings },
    });
    const brief = AbortSignal.timeout(2_000);
    const never = silent.map((host) => client.manifest(head(imageOn({ host })), brief));
    const startedAtMs = performance.now();
    const host = at('registry.example.com');
    expect(await client.manifest(head(imageOn({ host })), soon())).toMatchObject({ ok: true });
    expect(performance.now() - startedAtMs).toBeLessThan(500);
    await Promise.all(never);
  });

  test('are given up for one namespace but for two, and for another one not', async () => {
    const { resolve } = await makeResolver(answerOf);
    const client = stage.makeClient({ resolve });
    const brief = AbortSignal.timeout(700);
    const given = async (host: string, share: string) => {
      const answer = await client.manifest({ ...head(imageOn({ host })), share }, brief);
      return answer.ok || answer.error.kind !== 'connection' ? 'answer' : answer.error.cause;
    };
    const causes = await Promise.all([
      ...silent.map((host) => given(host, 'team')),
      given('silent-other.example.com', 'other'),
    ]);
    expect(causes.filter((cause) => cause === 'timeout')).toHaveLength(3);
    expect(causes.filter((cause) => cause === 'forbidden')).toHaveLength(silent.length - 2);
    expect(causes.at(-1)).toBe('timeout');
  });
});

describe('a registry with several addresses', () => {
  const [dead, silent, alive] = ['192.0.2.1', '192.0.2.2', '192.0.2.3'];
  const openSocket = (port: number, address: string): Socket => {
    if (address === alive) return connect(port, '127.0.0.1');
    // One that refuses, or one that is never there.
    return address === dead ? connect(1, '127.0.0.1') : new Socket();
  };

  test.each([
    ['refuses', [dead, alive]],
    ['says nothing', [silent, alive]],
    ['refuses or says nothing, all but one,', [silent, dead, silent, alive]],
  ])('of which one %s is reached at the other', async (_, addresses) => {
    const startedAtMs = performance.now();
    const answer = await ask('registry.example.com', {
      openSocket,
      resolve: async () => addresses,
    });
    expect(answer).toMatchObject({ ok: true });
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  });

  test('farther away than the wait for the next is reached at the first', async () => {
    const opened: string[] = [];
    const far = (port: number, address: string): Socket => {
      opened.push(address);
      const socket = new Socket();
      if (address === alive) setTimeout(() => socket.connect(port, '127.0.0.1'), 400);
      return socket;
    };
    const resolve = async () => [alive, silent, silent];
    expect(await ask('registry.example.com', { openSocket: far, resolve })).toMatchObject({
      ok: true,
    });
    expect(opened).toEqual([alive, silent]);
  });

  test('is refused only when all of them are dead', async () => {
    const resolve = async () => [dead, dead];
    expect(await ask('registry.example.com', { openSocket, resolve })).toMatchObject({
      error: { kind: 'connection', cause: 'refused' },
    });
  });
});
