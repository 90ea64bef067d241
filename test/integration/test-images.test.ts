import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type IndexChild,
  pushAttestation,
  pushIndexOf,
} from '#test/support/registries/image-indexes.ts';
import { byDigest, deleteManifest } from '#test/support/registries/images.ts';
import { pushArtifact, pushLayeredImage } from '#test/support/registries/layered-images.ts';
import { pullImage, tagsOf } from '#test/support/registries/pulled-image.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';

let registry: TestRegistry;

beforeAll(async () => {
  registry = await startRegistry();
});
afterAll(async () => await registry?.remove());

test('images of every shape are pushed, and read back sound', async () => {
  for (const docker of [false, true]) {
    const repository = `shapes/${docker ? 'docker' : 'oci'}`;
    const children: IndexChild[] = [];
    for (const architecture of ['amd64', 'arm64']) {
      const layers = [
        { bytes: 300_000, seed: 'shared' },
        { bytes: 300_000, seed: 'shared' },
        { bytes: 0 },
        { bytes: 1_000 },
      ];
      const name = `${repository}:${byDigest}`;
      const image = await pushLayeredImage(registry, name, { layers, architecture, docker });
      expect(image.layers[0]?.digest).toBe(image.layers[1]?.digest);
      children.push({ ...image, platform: { os: 'linux', architecture } });
    }
    const attestation = await pushAttestation(registry, repository, children[0]?.digest ?? '');
    const kind = docker ? 'docker' : 'oci';
    const inner = await pushIndexOf(registry, `${repository}:inner`, children, kind);
    await pushIndexOf(registry, `${repository}:outer`, [inner, attestation], kind);
    const pulled = await pullImage(registry, repository, 'outer');
    // Two indexes, two images and what is attested; three configurations, a statement, four layers.
    expect(pulled).toMatchObject({ problems: [], digests: { length: 13 } });
    expect(await tagsOf(registry, repository)).toEqual(['inner', 'outer']);
    await deleteManifest(registry, repository, children[1]?.digest ?? '');
    expect((await pullImage(registry, repository, 'outer'))?.problems).toHaveLength(1);
  }
});

test('so are artifacts, and images whose layers lie elsewhere', async () => {
  for (const kind of ['chart', 'artifact'] as const) {
    await pushArtifact(registry, `shapes/${kind}:1`, kind);
    expect(await pullImage(registry, `shapes/${kind}`, '1')).toMatchObject({ problems: [] });
  }
  const foreign = 'https://example.com/windows.tar.gz';
  const layers = [{ foreign, bytes: 9_000 }, { bytes: 10 }];
  for (const docker of [false, true]) {
    const name = `shapes/foreign-${docker}`;
    await pushLayeredImage(registry, `${name}:1`, { layers, docker });
    expect(await pullImage(registry, name, '1')).toMatchObject({ digests: { length: 3 } });
  }
});
