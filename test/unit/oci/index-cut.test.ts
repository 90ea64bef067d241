import { describe, expect, test } from 'vitest';
import { digestOf, type Manifest, readManifest } from '#oci/image-manifest.ts';
import { cutIndex, type Platform } from '#oci/index-cut.ts';

const mediaType = 'application/vnd.oci.image.index.v1+json';
const image = 'application/vnd.oci.image.manifest.v1+json';

interface Listed {
  readonly name: string;
  /** `os/architecture[/variant]`. */
  readonly platform?: string;
  /** The name of what it attests. */
  readonly attests?: string;
}

const nameToDigest = (name: string) => digestOf(Buffer.from(name));

function indexOf(...listed: readonly Listed[]): Manifest {
  const manifests = listed.map(({ name, platform, attests }) => {
    const [os, architecture, variant] = platform?.split('/') ?? [];
    return {
      ...{ mediaType: image, digest: nameToDigest(name), size: 10 },
      ...(platform !== undefined && { platform: { os, architecture, variant } }),
      ...(attests !== undefined && {
        annotations: { 'vnd.docker.reference.digest': nameToDigest(attests) },
      }),
    };
  });
  const json = { schemaVersion: 2, mediaType, manifests, annotations: { kept: 'as it is' } };
  const read = readManifest(Buffer.from(JSON.stringify(json, null, 3)), {
    ...{ mediaType, algorithm: 'sha256' },
  });
  if (!read.ok) throw new Error(read.error);
  return read.value;
}

function wanted(...names: readonly string[]): readonly Platform[] {
  return names.map((name) => {
    const [os = '', architecture = '', variant] = name.split('/');
    return { os, architecture, ...(variant !== undefined && { variant }) };
  });
}

function keptOf(index: Manifest, ...names: readonly string[]): readonly string[] | undefined {
  const cut = cutIndex(index, wanted(...names));
  if (cut?.manifest.content.kind !== 'index') return undefined;
  return cut.manifest.content.children.map(({ digest }) => digest);
}

describe('an index is cut down', () => {
  const index = indexOf(
    { name: 'amd', platform: 'linux/amd64' },
    { name: 'arm', platform: 'linux/arm64/v8' },
    { name: 'win', platform: 'windows/amd64' },
  );

  test('to what is wanted, and tells what is missing', () => {
    const cut = cutIndex(index, wanted('linux/amd64', 'linux/riscv64', 'linux/arm64'));
    expect(cut?.platforms).toEqual(['linux/amd64', 'linux/arm64/v8']);
    expect(cut?.missing).toEqual(['linux/riscv64']);
    expect(cut?.manifest.digest).not.toBe(index.digest);
    expect(cut?.manifest.digest).toBe(digestOf(cut?.manifest.bytes ?? Buffer.alloc(0)));
    expect(String(cut?.manifest.bytes)).toContain('as it is');
  });

  test('always to the same bytes, whatever the order in which it is wanted', () => {
    const one = cutIndex(index, wanted('linux/amd64', 'linux/arm64'));
    const other = cutIndex(index, wanted('linux/arm64', 'linux/amd64'));
    expect(one?.manifest.digest).toBe(other?.manifest.digest);
  });

  test('not at all where all of it is wanted: its bytes and its digest stay', () => {
    const cut = cutIndex(index, wanted('linux/amd64', 'linux/arm64', 'windows/amd64'));
    expect(cut?.manifest).toBe(index);
    expect(cut?.platforms).toBeUndefined();
  });

  test('to nothing where it has none of them', () => {
    expect(cutIndex(index, wanted('linux/s390x'))).toBeUndefined();
  });
});

describe('a platform', () => {
  const arms = indexOf(
    { name: 'v5', platform: 'linux/arm/v5' },
    { name: 'v7', platform: 'linux/arm/v7' },
    { name: 'plain', platform: 'linux/arm' },
    { name: 'amd', platform: 'linux/amd64' },
  );

  test.each([
    [['linux/arm'], ['v5', 'v7', 'plain']],
    [['linux/arm/v5'], ['v5']],
    // What names no variant is the usual one.
    [['linux/arm/v7'], ['v7', 'plain']],
    [['linux/x86_64'], ['amd']],
    [['linux/amd64/v1'], ['amd']],
  ])('%j wants %j', (names, kept) => {
    expect(keptOf(arms, ...names)).toEqual(kept.map(nameToDigest));
  });
});

describe('what an index has beside images', () => {
  test('goes with the image that it attests, and is left out with another (rule 13)', () => {
    const index = indexOf(
      { name: 'amd', platform: 'linux/amd64' },
      { name: 'arm', platform: 'linux/arm64' },
      { name: 'of amd', platform: 'unknown/unknown', attests: 'amd' },
      { name: 'of arm', platform: 'unknown/unknown', attests: 'arm' },
      { name: 'of nobody', platform: 'unknown/unknown' },
      { name: 'free' },
    );
    expect(keptOf(index, 'linux/amd64')).toEqual(['amd', 'of amd', 'free'].map(nameToDigest));
  });

  test('is copied whole where no platform is named at all', () => {
    const index = indexOf({ name: 'one' }, { name: 'two', platform: 'unknown/unknown' });
    expect(cutIndex(index, wanted('linux/amd64'))).toEqual({ manifest: index, missing: [] });
  });
});
