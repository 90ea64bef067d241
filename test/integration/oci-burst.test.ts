import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Credential } from '#core/credentials.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import {
  alice,
  head,
  imageOn,
  type OciStage,
  soon,
  startOciStage,
} from '#test/support/registries/oci-stage.ts';
import { untilReady } from '#test/support/time/eventually.ts';

const farMs = 100;
const burst = 200;
/** What 200 handshakes cost both sides, which share a machine here; on a loaded one that is much. */
const handshakesMs = 2_500;

let stage: OciStage;
let front: FaultRegistry;

beforeAll(async () => {
  stage = await startOciStage();
  front = await startFaultRegistry({ tls: stage.tls });
  front.setRules({ fault: { kind: 'delay', delayMs: farMs } });
});
afterEach(async () => {
  await stage.closeClients();
  front.setAuth(undefined);
});
afterAll(async () => {
  await front.close();
  await stage.close();
});

/** Asks for so many images at once; how long that took, and what came that is no plain 404. */
async function ask(images: number, credential?: Credential, client = makeClient()) {
  const startedAtMs = performance.now();
  const answers = await Promise.all(
    Array.from({ length: images }, (_, index) =>
      client.manifest(head(imageOn(front, `team/app-${index}`), credential), soon()),
    ),
  );
  const failed = answers.filter((answer) => answer.ok || answer.error.kind !== 'answer');
  return { tookMs: performance.now() - startedAtMs, failed };
}

function makeClient() {
  return stage.makeClient({}, front.host);
}

describe('a burst of requests for images of a registry that is far away', () => {
  test('takes no longer than one does, but for what the handshakes cost', async () => {
    await ask(1);
    const { tookMs: alone } = await ask(1);
    front.resetCounts();
    const { tookMs, failed } = await ask(burst);
    expect(failed).toEqual([]);
    // In turns over four connections it would take 5 s for the answers alone.
    expect(tookMs).toBeLessThan(alone + handshakesMs);
    expect(front.connections()).toBeLessThanOrEqual(burst);
  });

  test('waits but a moment for the one that finds out who is let in', async () => {
    front.setAuth({ kind: 'basic', users: { alice: alice.password } });
    const { tookMs, failed } = await ask(burst, alice);
    expect(failed).toEqual([]);
    expect(tookMs).toBeLessThan(4 * farMs + handshakesMs);
  });

  test('leaves four connections, the others are closed 10 s later', async () => {
    const client = makeClient();
    await ask(burst, undefined, client);
    expect(front.openConnections()).toBeGreaterThan(4);
    await untilReady('the burst is over', () => front.openConnections() <= 4, {
      withinMs: 15_000,
    });
    expect(front.openConnections()).toBe(4);
    front.resetCounts();
    await ask(4, undefined, client);
    expect(front.connections()).toBe(0);
  });

  test('is never told that there was no room, however few connections there may be', async () => {
    const settings = { caFile: stage.tls.authorityPem, concurrency: 20 };
    const client = stage.makeClient({ registries: { [front.host]: settings } });
    front.resetCounts();
    const { failed } = await ask(100, undefined, client);
    expect(failed).toEqual([]);
    expect(front.connections()).toBeLessThanOrEqual(20);
  });
});
