import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Credential } from '#core/credentials.ts';
import type { OciClient } from '#oci/client.ts';
import {
  type BlackHole,
  startFullBacklog,
  startSilentHost,
} from '#test/support/registries/black-hole.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { pushImage } from '#test/support/registries/images.ts';
import {
  alice,
  bearer,
  head,
  imageOn,
  type OciStage,
  soon,
  startOciStage,
} from '#test/support/registries/oci-stage.ts';
import { nextRegistryPort } from '#test/support/registries/registry-ports.ts';
import { untilReady } from '#test/support/time/eventually.ts';

const imageCount = 100;
const repositories = Array.from({ length: imageCount }, (_, index) => `team/app-${index}`);

let stage: OciStage;
let front: FaultRegistry;

beforeAll(async () => {
  stage = await startOciStage();
  for (const repository of repositories) await pushImage(stage.plain, `${repository}:1`);
  front = await startFaultRegistry({ upstream: stage.plain, tls: stage.tls });
});
afterEach(async () => {
  await stage.closeClients();
});
afterAll(async () => {
  await front.close();
  await stage.close();
});

/** Checks all images once, as concurrently as a burst of admissions does. */
async function checkAll(client: OciClient, credential?: Credential): Promise<number> {
  front.resetCounts();
  const answers = await Promise.all(
    repositories.map((repository) =>
      client.manifest(head(imageOn(front, repository), credential), soon()),
    ),
  );
  expect(answers.filter(({ ok }) => !ok)).toEqual([]);
  return front.requests().length / imageCount;
}

/** The same, one after the other, as a monitor does. */
async function checkEach(client: OciClient, credential?: Credential): Promise<number> {
  front.resetCounts();
  for (const repository of repositories) {
    const answer = await client.manifest(head(imageOn(front, repository), credential), soon());
    expect(answer).toMatchObject({ ok: true });
  }
  return front.requests().length / imageCount;
}

/** A burst has a connection for each, and those of the first requests; a monitor has few. */
function connectionsMax(check: typeof checkAll): number {
  return check === checkAll ? imageCount + 4 : 4;
}

describe('100 checks of 100 images on one TLS registry', () => {
  test('cost one request each where nobody asks who is there', async () => {
    front.setAuth(undefined);
    const client = stage.makeClient({}, front.host);
    expect(await checkAll(client)).toBeLessThanOrEqual(1.1);
    expect(front.connections()).toBeLessThanOrEqual(imageCount);
    expect(await checkEach(client)).toBeLessThanOrEqual(1.1);
    expect(front.connections()).toBe(0);
  });

  test('cost one request each with Basic, but for the first', async () => {
    front.setAuth({ kind: 'basic', users: { alice: alice.password } });
    for (const check of [checkEach, checkAll]) {
      const client = stage.makeClient({}, front.host);
      expect(await check(client, alice)).toBeLessThanOrEqual(1.1);
      expect(front.connections()).toBeLessThanOrEqual(connectionsMax(check));
    }
  });

  test('cost two requests each with Bearer, and one while the tokens live', async () => {
    front.setAuth(bearer);
    for (const check of [checkEach, checkAll]) {
      const client = stage.makeClient({}, front.host);
      expect(await check(client, alice)).toBeLessThanOrEqual(2.1);
      expect(front.connections()).toBeLessThanOrEqual(connectionsMax(check));
      expect(await check(client, alice)).toBeLessThanOrEqual(1.1);
      expect(front.connections()).toBeLessThanOrEqual(connectionsMax(check));
    }
  });

  test('leave no connection open when the client is closed', async () => {
    front.setAuth(undefined);
    const client = stage.makeClient({}, front.host);
    await checkAll(client);
    await client.close();
    await untilReady('all connections are closed', () => front.openConnections() === 0);
  });
});

describe('a registry that swallows what it is sent', () => {
  const kinds: readonly (readonly [kind: string, start: () => Promise<BlackHole>])[] = [
    ['accepts and is silent', startSilentHost],
    ['has a full backlog', startFullBacklog],
  ];
  test.each(kinds)('and %s costs the deadline and no more, however many ask', async (_, start) => {
    const hole = await start();
    const client = stage.makeClient();
    const startedAtMs = performance.now();
    const answers = await Promise.all(
      repositories.map((repository) =>
        client.manifest(head(imageOn(hole, repository)), AbortSignal.timeout(400)),
      ),
    );
    expect(performance.now() - startedAtMs).toBeLessThan(1_500);
    for (const answer of answers) {
      expect(answer).toMatchObject({ error: { kind: 'connection', cause: 'timeout' } });
    }
    expect(hole.connections()).toBeLessThanOrEqual(imageCount);
    await hole.close();
  });

  test('delays no other', async () => {
    const hole = await startSilentHost();
    const client = stage.makeClient({}, front.host);
    const never = repositories.map((repository) =>
      client.manifest(head(imageOn(hole, repository)), AbortSignal.timeout(2_000)),
    );
    front.setAuth(undefined);
    const startedAtMs = performance.now();
    await checkAll(client);
    expect(performance.now() - startedAtMs).toBeLessThan(1_900);
    await Promise.all(never);
    await hole.close();
  });
});

describe('50 registries that do not answer', () => {
  test('leave no socket behind when the client is closed', async () => {
    const openSockets = () =>
      process.getActiveResourcesInfo().filter((kind) => /^(TCP|TLS|Connect)/.test(kind)).length;
    const holes = [await startSilentHost(), await startFullBacklog()];
    const before = openSockets();
    const ports = Array.from({ length: 48 }, nextRegistryPort);
    const hosts = [...holes.map(({ host }) => host), ...ports.map((port) => `127.0.0.1:${port}`)];
    const client = stage.makeClient({}, ...hosts);
    const answers = await Promise.all(
      hosts.map((host) => client.manifest(head(imageOn({ host })), AbortSignal.timeout(300))),
    );
    expect(answers.some(({ ok }) => ok)).toBe(false);
    await client.close();
    await untilReady('the sockets are gone', () => openSockets() <= before, { withinMs: 2_000 });
    for (const hole of holes) await hole.close();
  });
});

describe('an abort', () => {
  test('ends the wait at every step', async () => {
    const client = stage.makeClient({}, front.host);
    const paths = [/manifests/, /token/];
    for (const path of paths) {
      front.setAuth(bearer);
      front.setRules({ path, fault: { kind: 'hang' } });
      const abort = new AbortController();
      const pending = client.manifest(head(imageOn(front), alice), abort.signal);
      await untilReady('the request hangs', () =>
        front.requests().some((request) => path.test(request.path)),
      );
      abort.abort();
      expect(await pending).toMatchObject({ error: { cause: 'timeout' } });
    }
    front.setRules();
    expect(await client.manifest(head(imageOn(front), alice), AbortSignal.abort())).toMatchObject({
      error: { cause: 'timeout' },
    });
  });
});
