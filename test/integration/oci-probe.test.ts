import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { probeImage } from '#actors/registries/probe-image.ts';
import { TimerHeap } from '#actors/timer-heap.ts';
import type { Credential } from '#core/credentials.ts';
import type { ProbeMethod } from '#core/probe.ts';
import { startSilentHost } from '#test/support/registries/black-hole.ts';
import {
  type FaultRegistry,
  type FaultRule,
  startFaultRegistry,
} from '#test/support/registries/fault-registry.ts';
import type { Fault } from '#test/support/registries/faults.ts';
import {
  alice,
  bearer,
  imageOn,
  mallory,
  type OciStage,
  startOciStage,
} from '#test/support/registries/oci-stage.ts';

let stage: OciStage;
let front: FaultRegistry;
let clock: TimerHeap;

beforeAll(async () => {
  clock = new TimerHeap();
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
  clock.close();
});

interface Asked {
  readonly host?: string;
  readonly method?: ProbeMethod;
  readonly credentials?: readonly Credential[];
  readonly resolveDigest?: boolean;
  readonly timeoutMs?: number;
  readonly tag?: string;
}

async function probe(asked: Asked = {}) {
  return await probeImage(
    {
      client: stage.makeClient({}, front.host),
      reference: { ...imageOn({ host: asked.host ?? front.host }), tag: asked.tag ?? '1' },
      method: asked.method ?? 'HEAD',
      credentials: asked.credentials ?? [],
      resolveDigest: asked.resolveDigest ?? false,
      timeoutMs: asked.timeoutMs ?? 5_000,
      clock,
    },
    new AbortController().signal,
  );
}

const methods = () => front.requests().map(({ method }) => method);
const answer = (status: number): Fault => ({ kind: 'answer', status });

describe('a probe', () => {
  test('finds an image, its digest and who was let in', async () => {
    front.setAuth({ kind: 'basic', users: { alice: alice.password } });
    expect(await probe({ credentials: [mallory, alice] })).toEqual({
      kind: 'Available',
      digest: stage.image.digest,
      credential: alice.source,
      credentialIndex: 1,
    });
    expect(await probe({ credentials: [mallory] })).toMatchObject({ kind: 'InvalidAuth' });
    expect(await probe({ credentials: [mallory, alice], tag: 'gone' })).toMatchObject({
      kind: 'NotFound',
      credential: alice.source,
    });
  });

  test('tries five credentials and no more', async () => {
    front.setAuth({ kind: 'basic', users: { alice: alice.password } });
    const wrong = Array.from({ length: 5 }, (_, index) => ({ ...mallory, password: `${index}` }));
    expect(await probe({ credentials: [...wrong, alice] })).toMatchObject({ kind: 'InvalidAuth' });
    expect(await probe({ credentials: [...wrong.slice(1), alice] })).toMatchObject({
      kind: 'Available',
    });
  });

  test.each([405, 501])('asks with GET at once where HEAD is answered with %d', async (status) => {
    front.setRules({ method: 'HEAD', fault: answer(status) });
    expect(await probe()).toMatchObject({ kind: 'Available', digest: stage.image.digest });
    expect(methods()).toEqual(['HEAD', 'GET']);
  });

  test('sends up to three requests where a 5xx or a reset may heal', async () => {
    for (const fault of [answer(503), { kind: 'reset' } as const]) {
      front.resetCounts();
      front.setRules({ times: 2, fault });
      expect(await probe()).toMatchObject({ kind: 'Available' });
      expect(methods()).toHaveLength(3);
      front.resetCounts();
      front.setRules({ fault });
      expect(await probe({ credentials: [alice, mallory] })).toMatchObject({ kind: 'Unreachable' });
      expect(methods()).toHaveLength(3);
    }
  });

  test('sends one request where the registry throttles, and says until when', async () => {
    const fault: Fault = { kind: 'answer', status: 429, headers: { 'retry-after': '20' } };
    front.setRules({ fault });
    const outcome = await probe({ credentials: [alice, mallory] });
    expect(outcome).toMatchObject({ kind: 'QuotaExceeded', retryAtMs: expect.any(Number) });
    expect(methods()).toHaveLength(1);
  });

  test('sees that nothing is left of the quota although the image is there', async () => {
    front.setRules({
      fault: {
        kind: 'headers',
        headers: { 'ratelimit-remaining': '0;w=21600', 'ratelimit-reset': '60' },
      },
    });
    expect(await probe()).toMatchObject({
      kind: 'QuotaExceeded',
      retryAtMs: expect.any(Number),
      message: expect.stringContaining(front.host),
    });
  });

  test('follows a tag to its digest where asked to', async () => {
    expect(await probe({ resolveDigest: true })).toMatchObject({ kind: 'Available' });
    expect(front.requests().map(({ path }) => path)).toEqual([
      '/v2/team/app/manifests/1',
      `/v2/team/app/manifests/${stage.image.digest}`,
    ]);
    front.setRules({ fault: { kind: 'no-digests' } });
    expect(await probe({ resolveDigest: true })).toMatchObject({
      kind: 'NotFound',
      message: expect.stringContaining('tag/digest inconsistency'),
    });
    expect(await probe()).toMatchObject({ kind: 'Available' });
    front.setRules({ fault: { kind: 'strip', headers: ['docker-content-digest'] } });
    front.resetCounts();
    expect(await probe({ resolveDigest: true })).toEqual({ kind: 'Available' });
    expect(methods()).toHaveLength(1);
  });

  test('has one deadline for all of it', async () => {
    front.setAuth(bearer);
    const wrong = Array.from({ length: 4 }, (_, index) => ({ ...mallory, password: `${index}` }));
    front.setRules(
      { fault: { kind: 'delay', delayMs: 150 } },
      { path: /token/, fault: answer(401) },
    );
    front.setRules({ path: /^\/token/, fault: { kind: 'hang' } });
    const startedAtMs = performance.now();
    expect(await probe({ credentials: [...wrong, alice], timeoutMs: 400 })).toMatchObject({
      kind: 'Unreachable',
      cause: 'timeout',
    });
    const tookMs = performance.now() - startedAtMs;
    expect(tookMs).toBeGreaterThan(350);
    expect(tookMs).toBeLessThan(1_000);
  });

  test('says of a time that ran out whether anything was answered before', async () => {
    const hang: FaultRule = { fault: { kind: 'hang' } };
    const brief = { timeoutMs: 400, credentials: [alice, mallory] };
    front.setRules(hang);
    expect(await probe(brief)).not.toHaveProperty('answered');
    // Another credential, a 5xx, HEAD in place of GET: each is an answer.
    for (const status of [403, 503, 405]) {
      front.setRules({ times: 1, fault: answer(status) }, hang);
      expect(await probe(brief)).toMatchObject({ cause: 'timeout', answered: true });
    }
  });

  test('of a registry that is gone, silent or refuses says which', async () => {
    await front.refuse();
    expect(await probe()).toMatchObject({ kind: 'Unreachable', cause: 'refused' });
    await front.accept();
    expect(await probe()).toMatchObject({ kind: 'Available' });
    const silent = await startSilentHost();
    expect(await probe({ host: silent.host, timeoutMs: 200 })).toMatchObject({ cause: 'timeout' });
    await silent.close();
    expect(await probe({ host: 'no-such-host.invalid' })).toMatchObject({ cause: 'dns' });
  });
});
