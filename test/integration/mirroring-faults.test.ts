import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type CopyFailure, type CopyOutcome, isPermanent } from '#core/mirroring/copy-outcome.ts';
import { seededRandom } from '#test/support/monitoring/pace-simulation.ts';
import { type CopierStage, startCopierStage } from '#test/support/registries/copier-stage.ts';
import { type FaultRegistry, startFaultRegistry } from '#test/support/registries/fault-registry.ts';
import { tooManyRequests } from '#test/support/registries/fault-rules.ts';
import { pushAttestation, pushIndexOf } from '#test/support/registries/image-indexes.ts';
import { byDigest } from '#test/support/registries/images.ts';
import { pushArtifact, pushLayeredImage } from '#test/support/registries/layered-images.ts';
import { alice, bearer } from '#test/support/registries/oci-stage.ts';
import { pullImage, tagsOf } from '#test/support/registries/pulled-image.ts';
import { sourceFaults, targetFaults } from '#test/support/registries/random-faults.ts';

/** Copies with everything going wrong now and then; the same faults are drawn in each run. */
const seed = 20_261_128;
const copiesCount = 200;
const sourcesCount = 20;
/** A copy of a dozen or two of requests meets one fault; many need a second attempt. */
const share = 0.05;
/** Blobs are from nothing to this large. */
const bytesMax = 300_000;
/** Chance alone leaves fewer than one in 10⁹ copies unfinished after so many. */
const attemptsMax = 30;
const atOnce = 4;
/** What one attempt at an image of 3 manifests and 8 blobs may send at both sides, all told. */
const requestsAnAttemptMax = 30;

let stage: CopierStage;
let source: FaultRegistry;
let target: FaultRegistry;

beforeAll(async () => {
  stage = await startCopierStage();
});
beforeEach(async () => {
  source = await startFaultRegistry({ upstream: stage.source, tls: stage.tls });
  target = await startFaultRegistry({ upstream: stage.target, tls: stage.tls });
});
afterEach(async () => {
  await stage.closeCopiers();
  await source.close();
  await target.close();
});
afterAll(async () => await stage?.close());

/** Images of each shape, `source/<n>:1`. */
async function pushSources(): Promise<readonly string[]> {
  const random = seededRandom(seed);
  const names: string[] = [];
  for (let index = 0; index < sourcesCount; index += 1) {
    const repository = `source/${index}`;
    names.push(repository);
    const layers = Array.from({ length: 1 + (index % 3) }, (_, layer) => ({
      bytes: layer === 2 ? 0 : Math.floor(random() * bytesMax),
      seed: `${repository}/${layer}`,
    }));
    if (index % 5 === 4) await pushArtifact(stage.source, `${repository}:1`);
    else if (index % 5 === 3) await pushWholeIndex(repository, layers);
    else {
      const docker = index % 5 === 2;
      await pushLayeredImage(stage.source, `${repository}:1`, { layers, docker });
    }
  }
  return names;
}

async function pushWholeIndex(
  repository: string,
  layers: Parameters<typeof pushLayeredImage>[2]['layers'],
): Promise<void> {
  const name = `${repository}:${byDigest}`;
  const image = await pushLayeredImage(stage.source, name, { layers });
  const child = { ...image, platform: { os: 'linux', architecture: 'amd64' } };
  const attestation = await pushAttestation(stage.source, repository, image.digest);
  await pushIndexOf(stage.source, `${repository}:1`, [child, attestation]);
}

/** Nothing under the tag, or exactly what the source has, every byte of it. */
async function expectSound(from: string, to: string): Promise<boolean> {
  const pulled = await pullImage(stage.target, to, '1');
  if (pulled === undefined) return false;
  expect(pulled.problems, to).toEqual([]);
  expect(pulled).toEqual(await pullImage(stage.source, from, '1'));
  return true;
}

describe('two hundred copies between registries that break off, lie, refuse and forget', () => {
  test('never tag anything corrupt, and all end copied', { timeout: 120_000 }, async () => {
    const sources = await pushSources();
    const random = seededRandom(seed);
    target.setAuth(bearer);
    const { expireTokens } = target;
    source.setRules({ fault: sourceFaults({ random, share, bytesMax }) });
    target.setRules({ fault: targetFaults({ random, share, bytesMax, expireTokens }) });
    const copier = stage.makeCopier(source.host, target.host);
    const failures: CopyFailure[] = [];
    let attempts = 0;

    const copyUntilDone = async (from: string, to: string): Promise<void> => {
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        attempts += 1;
        const outcome = await copier.copy({
          source: { registry: source.host, path: from, tag: '1' },
          target: { registry: target.host, path: to, tag: '1' },
          credentials: [alice],
        });
        const isThere = await expectSound(from, to);
        if (outcome.kind === 'copied') {
          expect(isThere, `${to} is said to be copied`).toBe(true);
          return;
        }
        failures.push(outcome);
      }
      throw new Error(`${to} was not copied in ${attemptsMax} attempts`);
    };

    const waiting = Array.from({ length: copiesCount }, (_, index) => ({
      from: sources[index % sourcesCount] ?? '',
      to: `target/${index}`,
    }));
    const work = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await copyUntilDone(next.from, next.to);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));

    expect(failures.filter(isPermanent)).toEqual([]);
    const reasons = new Set(failures.map(({ reason }) => reason));
    expect([...reasons]).toEqual(
      expect.arrayContaining(['unreachable', 'throttled', 'corrupt', 'no-space']),
    );
    const requests = source.requests().length + target.requests().length;
    expect(requests).toBeLessThan(attempts * requestsAnAttemptMax);
  });
});

describe('one image', () => {
  const layers = [{ bytes: 200_000 }, { bytes: 100_000 }];
  let repositories = 0;
  let repository: string;
  const copyOnce = async (): Promise<CopyOutcome> => {
    const copier = stage.makeCopier(source.host, target.host);
    return await copier.copy({
      source: { registry: source.host, path: repository, tag: '1' },
      target: { registry: target.host, path: repository, tag: '1' },
      credentials: [alice],
    });
  };

  beforeEach(async () => {
    repositories += 1;
    repository = `one/${repositories}`;
    await pushLayeredImage(stage.source, `${repository}:1`, { layers });
  });

  test('is copied in one attempt though its token ends in mid-upload, once a blob', async () => {
    target.setAuth(bearer);
    let left = 3;
    target.setRules({
      method: 'PUT',
      path: /\/blobs\/uploads\//,
      fault: () => {
        left -= 1;
        if (left < 0) return undefined;
        target.expireTokens();
        return { kind: 'late-answer', status: 401 };
      },
    });
    expect(await copyOnce()).toMatchObject({ kind: 'copied' });
    expect(await expectSound(repository, repository)).toBe(true);
  });

  test('waits for a mirror that has no space, and nothing is tagged until it has', async () => {
    for (const ending of ['close', 'reset'] as const) {
      target.setRules({
        method: 'PUT',
        path: /\/blobs\/uploads\//,
        fault: { kind: 'early-answer', status: 507, ending },
      });
      expect(await copyOnce()).toMatchObject({ kind: 'failed', side: 'target' });
      expect(await tagsOf(stage.target, repository)).toEqual([]);
    }
    target.setRules({
      method: 'PUT',
      path: /\/blobs\/uploads\//,
      fault: { kind: 'late-answer', status: 507 },
    });
    expect(await copyOnce()).toMatchObject({ reason: 'no-space' });
    target.setRules();
    expect(await copyOnce()).toMatchObject({ kind: 'copied' });
    expect(await expectSound(repository, repository)).toBe(true);
  });

  test('costs a registry in a storm of 429 a few requests, and says until when', async () => {
    source.setRules(tooManyRequests(100, 30));
    const failure = await copyOnce();
    expect(failure).toMatchObject({ kind: 'failed', side: 'source', reason: 'throttled' });
    const waitMs = ((failure as CopyFailure).retryAtMs ?? 0) - Date.now();
    expect(waitMs).toBeGreaterThan(25_000);
    expect(waitMs).toBeLessThanOrEqual(30_000);
    expect(source.requests().length).toBeLessThanOrEqual(2);
    source.setRules();
    target.setRules(tooManyRequests(100));
    expect(await copyOnce()).toMatchObject({ side: 'target', reason: 'throttled' });
    // The tag is asked for, and each of three blobs may be on its way by then.
    expect(target.requests().length).toBeLessThanOrEqual(4);
  });

  test.each([
    ['a manifest that is cut', { path: /\/manifests\//, fault: { kind: 'truncate' } }],
    ['a manifest that is another', { path: /\/manifests\//, fault: { kind: 'corrupt' } }],
    ['a blob that is another', { path: /\/blobs\//, fault: { kind: 'corrupt', atByte: 99_999 } }],
    ['a blob that is too long', { path: /\/blobs\//, fault: { kind: 'resize', byBytes: 1 } }],
    ['a blob that is too short', { path: /\/blobs\//, fault: { kind: 'resize', byBytes: -1 } }],
  ] as const)('leaves nothing under its tag where the source gives %s', async (_, rule) => {
    source.setRules({ method: 'GET', ...rule });
    const outcome = await copyOnce();
    expect(outcome).toMatchObject({ kind: 'failed', side: 'source' });
    expect(isPermanent(outcome as CopyFailure)).toBe(false);
    expect(await tagsOf(stage.target, repository)).toEqual([]);
    source.setRules();
    expect(await copyOnce()).toMatchObject({ kind: 'copied' });
    expect(await expectSound(repository, repository)).toBe(true);
  });
});
