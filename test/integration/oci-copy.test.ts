import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { pushAttestation, pushIndexOf } from '#test/support/registries/image-indexes.ts';
import { byDigest, deleteManifest, pushImage, pushIndex } from '#test/support/registries/images.ts';
import { pushArtifact, pushLayeredImage } from '#test/support/registries/layered-images.ts';
import { type OciCopyStage, startOciCopyStage } from '#test/support/registries/oci-copy-stage.ts';
import { pullImage, tagsOf } from '#test/support/registries/pulled-image.ts';

let stage: OciCopyStage;

beforeAll(async () => {
  stage = await startOciCopyStage();
});
afterEach(async () => {
  await stage.reset();
});
afterAll(async () => {
  await stage?.close();
});

const mib = 1024 * 1024;
const amd64 = { os: 'linux', architecture: 'amd64' };
const arm64 = { os: 'linux', architecture: 'arm64' };

/** What the mirror has now. */
async function mirrored(path: string, reference = '1') {
  return await pullImage(stage.realTarget, path, reference);
}

describe('an image that a mirror lacks', () => {
  test('is copied with two requests a blob, all bytes once, and the same digest', async () => {
    const image = await pushLayeredImage(stage.realSource, 'team/plain:1', {
      layers: [{ bytes: 3 * mib + 17 }, { bytes: mib }, { bytes: 5 }],
    });
    const told: number[] = [];
    const outcome = await stage.copy({
      path: 'team/plain',
      onProgress: ({ bytesDone }) => told.push(bytesDone),
    });
    expect(outcome).toMatchObject({
      ...{ kind: 'copied', found: false },
      ...{ digest: image.digest, sourceDigest: image.digest },
    });
    expect(await mirrored('team/plain')).toMatchObject({ digest: image.digest, problems: [] });
    const bytes = [image.config, ...image.layers].reduce((sum, { size }) => sum + size, 0);
    expect(outcome).toMatchObject({ bytes: bytes + image.size });
    expect(told.at(-1)).toBe(bytes);
    expect(stage.source.traffic.requests()).toEqual({
      ...{ 'HEAD manifest': 1, 'GET manifest': 1, 'GET blob': 4 },
    });
    expect(stage.target.traffic.requests()).toEqual({
      ...{ 'HEAD manifest': 1, 'POST upload': 4, 'PUT upload': 4, 'PUT manifest': 1 },
    });
  });

  test('is one request to each side once it is there', async () => {
    await pushImage(stage.realSource, 'team/twice:1');
    await stage.copy({ path: 'team/twice' });
    stage.source.resetCounts();
    stage.target.resetCounts();
    expect(await stage.copy({ path: 'team/twice' })).toMatchObject({ found: true, bytes: 0 });
    expect(stage.source.traffic.requests()).toEqual({ 'HEAD manifest': 1 });
    expect(stage.target.traffic.requests()).toEqual({ 'HEAD manifest': 1 });
  });

  test('may have equal layers, empty ones, and ones that lie elsewhere and stay there', async () => {
    const layers = [
      ...[{ bytes: 0 }, { bytes: 900, seed: 'same' }, { bytes: 900, seed: 'same' }],
      { foreign: 'https://example.com/layer', bytes: 1_000 },
    ];
    const image = await pushLayeredImage(stage.realSource, 'team/odd:1', { layers, docker: true });
    expect(await stage.copy({ path: 'team/odd' })).toMatchObject({ digest: image.digest });
    expect(await mirrored('team/odd')).toMatchObject({ digest: image.digest, problems: [] });
    expect(stage.target.traffic.requests()).toMatchObject({ 'PUT upload': 3 });
  });

  test('may be an artifact that is no image', async () => {
    for (const kind of ['chart', 'artifact'] as const) {
      const pushed = await pushArtifact(stage.realSource, `team/${kind}:1`, kind);
      const outcome = await stage.copy({ path: `team/${kind}`, platforms: [amd64] });
      expect(outcome).toMatchObject({ kind: 'copied', digest: pushed.digest });
      expect(await mirrored(`team/${kind}`)).toMatchObject({ problems: [] });
    }
  });

  test('sends no blob that another tag has brought there', async () => {
    const layers = [{ bytes: mib, seed: 'base' }];
    await pushLayeredImage(stage.realSource, 'team/shared:1', { layers });
    await pushLayeredImage(stage.realSource, 'team/shared:2', {
      layers: [...layers, { bytes: 1_000 }],
    });
    await stage.copy({ path: 'team/shared' });
    stage.target.resetCounts();
    const outcome = await stage.copy({ path: 'team/shared', tag: '2' });
    expect(outcome).toMatchObject({ kind: 'copied', found: false });
    expect(stage.target.traffic.blobBytesReceived()).toBeLessThan(5_000);
    expect(stage.target.traffic.requests()).toMatchObject({ 'POST upload': 3, 'PUT upload': 2 });
    expect(await mirrored('team/shared', '2')).toMatchObject({ problems: [] });
  });

  test('is mounted where both repositories are on one registry', async () => {
    await pushImage(stage.realTarget, 'origin/app:1', { layer: Buffer.alloc(100_000, 'm') });
    const { target } = stage;
    const wanted = { path: 'origin/app', from: target, toPath: 'mounted/app' };
    expect(await stage.copy(wanted)).toMatchObject({ kind: 'copied', found: false });
    expect(target.traffic.blobBytesReceived()).toBe(0);
    expect(target.requests().some(({ path }) => path.includes('from=origin%2Fapp'))).toBe(true);
    expect(await mirrored('mounted/app')).toMatchObject({ problems: [] });
  });
});

describe('an image by its digest', () => {
  test('is copied whole, whatever platforms are wanted, and gets a tag of its own', async () => {
    const index = await pushIndex(stage.realSource, 'team/pinned:1');
    const wanted = { path: 'team/pinned', digest: index.digest, platforms: [amd64] };
    const outcome = await stage.copy(wanted);
    expect(outcome).toMatchObject({ kind: 'copied', digest: index.digest });
    expect(outcome).not.toHaveProperty('platforms');
    expect(await tagsOf(stage.realTarget, 'team/pinned')).toEqual([
      `kuik-${index.digest.replace(':', '-')}`,
    ]);
    expect(await mirrored('team/pinned', index.digest)).toMatchObject({ problems: [] });
    expect(await stage.copy(wanted)).toMatchObject({ found: true });
  });
});

describe('an index', () => {
  test('is cut down to the platforms that are wanted, with what attests these', async () => {
    const images = await Promise.all(
      ['amd64', 'arm64'].map(async (architecture) => ({
        ...(await pushImage(stage.realSource, `team/multi:${byDigest}`, { architecture })),
        platform: { os: 'linux', architecture },
      })),
    );
    const attestations = await Promise.all(
      images.map(({ digest }) =>
        pushAttestation(stage.realSource, `team/multi:${byDigest}`, digest),
      ),
    );
    const index = await pushIndexOf(stage.realSource, 'team/multi:1', [...images, ...attestations]);
    const s390x = { os: 'linux', architecture: 's390x' };
    const outcome = await stage.copy({ path: 'team/multi', platforms: [s390x, amd64] });
    expect(outcome).toMatchObject({
      ...{ kind: 'copied', found: false, sourceDigest: index.digest },
      ...{ platforms: ['linux/amd64'], missingPlatforms: ['linux/s390x'] },
    });
    expect(outcome).not.toMatchObject({ digest: index.digest });
    const copy = await mirrored('team/multi');
    expect(copy?.problems).toEqual([]);
    expect(copy?.digests).toContain(images[0]?.digest);
    expect(copy?.digests).toContain(attestations[0]?.digest);
    expect(copy?.digests).not.toContain(images[1]?.digest);
    // Its own manifest and one each of what is kept.
    expect(stage.source.traffic.requests()).toMatchObject({ 'GET manifest': 3 });
    expect(await tagsOf(stage.realTarget, 'team/multi')).toEqual(['1']);
  });

  test('is found again as it was cut, with and without what was recorded of it', async () => {
    await pushIndex(stage.realSource, 'team/again:1');
    const wanted = { path: 'team/again', platforms: [arm64] };
    const outcome = await stage.copy(wanted);
    if (outcome.kind !== 'copied') throw new Error(outcome.message);
    const { digest, sourceDigest } = outcome;
    stage.source.resetCounts();
    const known = { digest, sourceDigest };
    expect(await stage.copy({ ...wanted, known })).toEqual({ ...outcome, found: true, bytes: 0 });
    expect(stage.source.traffic.requests()).toEqual({ 'HEAD manifest': 1 });
    expect(await stage.copy(wanted)).toEqual({ ...outcome, found: true, bytes: 0 });
  });

  test('that was cut is copied with more, or whole, once more is wanted', async () => {
    const index = await pushIndex(stage.realSource, 'team/more:1');
    const known = async (copied: ReturnType<typeof stage.copy>) => {
      const outcome = await copied;
      if (outcome.kind !== 'copied') throw new Error(outcome.message);
      return { digest: outcome.digest, sourceDigest: outcome.sourceDigest };
    };
    const s390x = { os: 'linux', architecture: 's390x' };
    const first = await known(stage.copy({ path: 'team/more', platforms: [arm64] }));
    stage.source.resetCounts();
    const asked = { path: 'team/more', platforms: [arm64, s390x], known: first };
    expect(await stage.copy(asked)).toMatchObject({
      ...{ kind: 'copied', found: true, bytes: 0, digest: first.digest },
      missingPlatforms: ['linux/s390x'],
    });
    // HEAD first, then the index; nothing below it.
    expect(stage.source.traffic.requests()).toEqual({ 'HEAD manifest': 1, 'GET manifest': 1 });
    expect(await stage.copy({ path: 'team/more', platforms: 'all', known: first })).toMatchObject({
      ...{ kind: 'copied', found: false, digest: index.digest },
    });
    expect(await mirrored('team/more')).toMatchObject({ digest: index.digest, problems: [] });
    expect(await tagsOf(stage.realTarget, 'team/more')).toEqual(['1']);
  });

  test('is copied again when one of its parts is gone', async () => {
    const index = await pushIndex(stage.realSource, 'team/parts:1');
    await stage.copy({ path: 'team/parts' });
    const copy = await mirrored('team/parts');
    const part = copy?.digests.find((digest) => digest !== index.digest) ?? '';
    await deleteManifest(stage.realTarget, 'team/parts', part);
    const known = { digest: index.digest, sourceDigest: index.digest };
    expect(await stage.copy({ path: 'team/parts', known })).toMatchObject({ found: false });
    expect(await mirrored('team/parts')).toMatchObject({ problems: [] });
  });

  test('may have an index in it, and no more than three', async () => {
    const image = await pushImage(stage.realSource, `team/nested:${byDigest}`);
    let child = await pushIndexOf(stage.realSource, `team/nested:${byDigest}`, [image]);
    child = await pushIndexOf(stage.realSource, `team/nested:${byDigest}`, [child], 'docker');
    const three = await pushIndexOf(stage.realSource, 'team/nested:1', [child]);
    expect(await stage.copy({ path: 'team/nested' })).toMatchObject({ digest: three.digest });
    expect(await mirrored('team/nested')).toMatchObject({ problems: [] });
    await pushIndexOf(stage.realSource, 'team/nested:2', [three]);
    expect(await stage.copy({ path: 'team/nested', tag: '2' })).toMatchObject({
      ...{ kind: 'failed', side: 'source', reason: 'out-of-bounds' },
    });
    expect(await tagsOf(stage.realTarget, 'team/nested')).toEqual(['1']);
  });

  test('without any of the platforms is an error', async () => {
    await pushIndex(stage.realSource, 'team/none:1');
    const platforms = [{ os: 'windows', architecture: 'amd64' }];
    expect(await stage.copy({ path: 'team/none', platforms })).toMatchObject({
      ...{ kind: 'failed', side: 'source', reason: 'no-platform' },
    });
  });
});

describe('a source that moved', () => {
  test('is copied anew over what was recorded', async () => {
    const first = await pushImage(stage.realSource, 'team/moved:1');
    await stage.copy({ path: 'team/moved' });
    const second = await pushImage(stage.realSource, 'team/moved:1', { label: 'new' });
    const known = { digest: first.digest, sourceDigest: first.digest };
    expect(await stage.copy({ path: 'team/moved', known })).toMatchObject({
      ...{ kind: 'copied', found: false, digest: second.digest },
    });
    expect(await mirrored('team/moved')).toMatchObject({ digest: second.digest });
  });
});
