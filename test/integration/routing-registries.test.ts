import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ProbeReport, RegistryProbe } from '#actors/registries/registries.ts';
import { silenceMs } from '#actors/registries/registry-host.ts';
import type { Credential } from '#core/credentials.ts';
import { startFullBacklog, startSilentHost } from '#test/support/registries/black-hole.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { startLiveRegistries } from '#test/support/registries/live-registries.ts';
import {
  alice,
  imageOn,
  type OciStage,
  startOciStage,
} from '#test/support/registries/oci-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Long for a healthy registry on a busy machine, short for a test. */
const timeoutMs = 600;
const forever = new AbortController().signal;
const manifests = /\/manifests\//;

let stage: OciStage;
let fault: FaultRegistry;

beforeAll(async () => {
  stage = await startOciStage();
  fault = await startFaultRegistry({ upstream: stage.plain });
});
afterEach(async () => {
  await stage.closeClients();
  fault.setRules();
  await fault.accept();
  fault.resetCounts();
});
afterAll(async () => {
  await fault?.close();
  await stage?.close();
});

function probeOf(
  host: { readonly host: string },
  credentials: readonly Credential[] = [],
  path?: string,
): RegistryProbe {
  const reference = imageOn(host, path);
  return { reference, method: 'HEAD', credentials, resolveDigest: false, timeoutMs };
}

function kindOf(report: ProbeReport): string {
  return report.kind === 'Answered' ? report.outcome.kind : report.kind;
}

const asked = (path: RegExp) => fault.requests().filter((seen) => path.test(seen.path)).length;

describe('a registry that answers', () => {
  test('is asked once by fifty who want the same image, and by each who has another credential', async () => {
    const { registries } = startLiveRegistries(stage.makeClient());
    const same = Array.from({ length: 50 }, () => registries.probe(probeOf(fault), forever));
    const other = registries.probe(probeOf(fault, [alice]), forever);
    const kinds = (await Promise.all([...same, other])).map(kindOf);
    expect(new Set(kinds)).toEqual(new Set(['Available']));
    expect(asked(manifests)).toBe(2);
  });

  test('gets as many requests at once as its configuration says, whatever is wanted', async () => {
    fault.setRules({ path: manifests, fault: { kind: 'delay', delayMs: 20 } });
    const few = { concurrency: 4 };
    const { registries } = startLiveRegistries(
      stage.makeClient({ registries: { [fault.host]: few } }),
      { treatmentOf: () => few },
    );
    // The first finds out that it speaks plain HTTP, over a connection that is given up.
    await registries.probe(probeOf(fault, [], 'team/first'), forever);
    fault.resetCounts();
    const many = Array.from({ length: 40 }, (_, index) =>
      registries.probe({ ...probeOf(fault, [], `team/app${index}`), timeoutMs: 10_000 }, forever),
    );
    expect(new Set((await Promise.all(many)).map(kindOf))).toEqual(new Set(['NotFound']));
    expect(asked(manifests)).toBe(40);
    expect(fault.openConnections()).toBeLessThanOrEqual(4);
    expect(fault.connections()).toBeLessThanOrEqual(4);
  });

  test('is no suspect because of its statuses: 404, 401, 500, 429', async () => {
    const { registries } = startLiveRegistries(stage.makeClient());
    for (const status of [404, 401, 500, 429]) {
      fault.setRules({ path: manifests, fault: { kind: 'answer', status } });
      await registries.probe(probeOf(fault, [], `team/app${status}`), forever);
      expect(registries.reachability(fault.host)).toBe('Closed');
    }
  });

  test('is no suspect because of a reset that a retry mends, but because of one that none does', async () => {
    const { registries } = startLiveRegistries(stage.makeClient());
    await registries.probe(probeOf(fault), forever);
    fault.setRules({ path: manifests, times: 2, fault: { kind: 'reset' } });
    expect(kindOf(await registries.probe(probeOf(fault, [alice]), forever))).toBe('Available');
    expect(registries.reachability(fault.host)).toBe('Closed');
    fault.setRules({ fault: { kind: 'reset' } });
    const other = probeOf(fault, [], 'team/other');
    expect(kindOf(await registries.probe(other, forever))).toBe('Unreachable');
    expect(registries.reachability(fault.host)).not.toBe('Closed');
  });

  test('is closed again when only one image hangs', async () => {
    fault.setRules({ path: /hangs/, fault: { kind: 'hang' } });
    const { registries } = startLiveRegistries(stage.makeClient());
    const hanging = probeOf(fault, [], 'team/hangs');
    expect(kindOf(await registries.probe(hanging, forever))).toBe('Unreachable');
    await eventually('the registry is trusted again', () => {
      return registries.reachability(fault.host) === 'Closed';
    });
    expect(kindOf(await registries.probe(probeOf(fault), forever))).toBe('Available');
  });
});

describe('a registry that throttles', () => {
  test('is not asked again with that credential until the time it stated, and is with another', async () => {
    const headers = { 'retry-after': '1' };
    fault.setRules({ path: manifests, times: 1, fault: { kind: 'answer', status: 429, headers } });
    const { registries } = startLiveRegistries(stage.makeClient());
    expect(kindOf(await registries.probe(probeOf(fault), forever))).toBe('QuotaExceeded');
    const other = probeOf(fault, [], 'team/other');
    expect(kindOf(await registries.probe(other, forever))).toBe('QuotaExceeded');
    expect(asked(manifests)).toBe(1);
    expect(kindOf(await registries.probe(probeOf(fault, [alice]), forever))).toBe('Available');
    await eventually('it is asked again', async () => {
      return kindOf(await registries.probe(other, forever)) === 'NotFound';
    });
  });
});

describe('a registry that is down', () => {
  test.each([
    ['it accepts and never answers', startSilentHost],
    ['its backlog is full, so that the connection itself times out', startFullBacklog],
  ])('costs one timeout in all when %s', async (_, startHole) => {
    const hole = await startHole();
    try {
      const { registries } = startLiveRegistries(stage.makeClient());
      const startedMs = performance.now();
      const first = Array.from({ length: 20 }, (_, index) =>
        registries.probe(probeOf(hole, [], `team/app${index}`), forever),
      );
      await Promise.all(first);
      expect(performance.now() - startedMs).toBeLessThan(timeoutMs * 1.7);
      for (let image = 0; image < 100; image++) {
        const askedMs = performance.now();
        const report = await registries.probe(probeOf(hole, [], `team/next${image}`), forever);
        expect(report.kind).toBe('SetAside');
        expect(performance.now() - askedMs).toBeLessThan(50);
      }
      await eventually('the background probe failed', () => {
        return registries.reachability(hole.host) === 'Open';
      });
      // One for each of the first questions, and those of the background probes.
      expect(hole.connections()).toBeLessThan(20 + 10);
    } finally {
      await hole.close();
    }
  });

  test('answers checks that have all the time by its circuit, until it answers by itself', async () => {
    const { registries } = startLiveRegistries(stage.makeClient());
    await registries.probe(probeOf(fault), forever);
    fault.setRules({ fault: { kind: 'hang' } });
    const check = (path?: string) =>
      registries.probe({ ...probeOf(fault, [], path), timeoutMs: 0 }, forever, { isCheck: true });
    const startedMs = performance.now();
    const reports = await Promise.all([check('team/one'), check('team/two')]);
    expect(performance.now() - startedMs).toBeGreaterThan(silenceMs);
    expect(performance.now() - startedMs).toBeLessThan(silenceMs + 5_000);
    expect(reports.map(kindOf)).toEqual(['SetAside', 'SetAside']);
    const before = asked(manifests);
    expect(kindOf(await check('team/three'))).toBe('SetAside');
    expect(asked(manifests)).toBe(before);
    fault.setRules();
    await eventually('it is found to be back', () => {
      return registries.reachability(fault.host) === 'Closed';
    });
    expect(kindOf(await check())).toBe('Available');
  });

  test('is no suspect when it answered with a challenge before it said nothing more', async () => {
    const { registries } = startLiveRegistries(stage.makeClient());
    const challenge = { 'www-authenticate': 'Basic realm="registry"' };
    fault.setRules(
      { path: manifests, times: 1, fault: { kind: 'answer', status: 401, headers: challenge } },
      { path: manifests, fault: { kind: 'hang' } },
    );
    const report = await registries.probe(probeOf(fault, [alice]), forever);
    expect(report).toMatchObject({ outcome: { kind: 'Unreachable', cause: 'timeout' } });
    expect(registries.reachability(fault.host)).toBe('Closed');
  });

  test('is found out by a background probe once it is back', async () => {
    const { registries } = startLiveRegistries(stage.makeClient());
    await registries.probe(probeOf(fault), forever);
    await fault.refuse();
    const other = probeOf(fault, [], 'team/other');
    expect(kindOf(await registries.probe(other, forever))).toBe('Unreachable');
    await eventually('the circuit is open', () => registries.reachability(fault.host) === 'Open');
    await fault.accept();
    await eventually('it is closed', () => registries.reachability(fault.host) === 'Closed');
    expect(kindOf(await registries.probe(probeOf(fault), forever))).toBe('Available');
  });

  test('leaves no socket, timer or actor: fifty of them and a thousand questions', async () => {
    const client = stage.makeClient();
    const before = openSockets();
    const { registries, clock, actors, close } = startLiveRegistries(client);
    // Ports of the discard range on an address that nobody listens on.
    const hosts = Array.from({ length: 50 }, (_, index) => ({
      host: `127.0.0.2:${9_000 + index}`,
    }));
    for (let question = 0; question < 1_000; question++) {
      const host = hosts[question % hosts.length] ?? fault;
      await registries.probe(probeOf(host, [], `team/app${question}`), forever);
    }
    expect(actors()).toBe(50);
    close();
    await client.close();
    expect([actors(), clock.size]).toEqual([0, 0]);
    await eventually('all sockets are gone', () => openSockets() <= before);
  });
});

/** Sockets and look-ups of the whole process; those of the stage only become fewer meanwhile. */
function openSockets(): number {
  const kinds = ['TCPSocketWrap', 'TLSWrap', 'TCPConnectWrap', 'GetAddrInfoReqWrap'];
  return process.getActiveResourcesInfo().filter((kind) => kinds.includes(kind)).length;
}
