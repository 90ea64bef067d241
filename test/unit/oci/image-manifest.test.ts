import { describe, expect, test } from 'vitest';
import { digestOf, readManifest } from '#oci/image-manifest.ts';

const manifest = 'application/vnd.oci.image.manifest.v1+json';
const layer = 'application/vnd.oci.image.layer.v1.tar+gzip';

const blob = (name: string, mediaType = layer, size: unknown = 3) => ({
  ...{ mediaType, size, digest: digestOf(Buffer.from(name)) },
});

function read(json: unknown, mediaType: string | undefined = manifest) {
  return readManifest(Buffer.from(JSON.stringify(json)), { mediaType, algorithm: 'sha256' });
}

describe('a manifest', () => {
  test('leads to its configuration and its layers, not to those that lie elsewhere', () => {
    const layers = [
      blob('a'),
      blob('b', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'),
      blob('c', 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'),
    ];
    const content = { kind: 'image', blobs: [blob('config'), blob('a')] };
    expect(read({ config: blob('config'), layers })).toMatchObject({ value: { content } });
  });

  test('of an artifact of the first kind leads to its blobs', () => {
    const content = { kind: 'image', blobs: [blob('a')] };
    expect(read({ blobs: [blob('a')] })).toMatchObject({ value: { content } });
  });

  test.each([
    ['what it says itself', { mediaType: 'application/vnd.x' }, manifest, 'application/vnd.x'],
    ['what its registry says', {}, `${manifest}; charset=utf-8`, manifest],
    ['what it looks like', {}, 'text/plain', manifest],
  ])('is of the type of %s', (_, own, told, expected) => {
    expect(read({ config: blob('config'), ...own }, told)).toMatchObject({
      value: { mediaType: expected },
    });
  });

  test('that lists manifests is an index, whatever it is said to be', () => {
    expect(read({ manifests: [blob('a')] }, 'application/json')).toMatchObject({
      value: { content: { kind: 'index' } },
    });
  });

  test.each([
    ['no object', [], 'no JSON object'],
    ['schema 1', { fsLayers: [] }, 'schema 1'],
    ['a digest that is a path', { config: { ...blob('a'), digest: '../../x' } }, 'a digest'],
    ['a digest too short', { config: { ...blob('a'), digest: 'sha256:00' } }, 'a digest'],
    ['no size', { config: { digest: blob('a').digest } }, 'the size'],
    ['a size below 0', { config: blob('a', layer, -1) }, 'the size'],
    ['a size that is text', { config: blob('a', layer, '3') }, 'the size'],
    ['a size without end', { config: blob('a', layer, 1e300) }, 'the size'],
    ['layers that are no list', { config: blob('a'), layers: 'b' }, 'list of layers'],
    ['too many layers', { config: blob('a'), layers: Array(513).fill(blob('b')) }, 'at most 512'],
  ])('with %s is refused in words', (_, json, words) => {
    expect(read(json)).toMatchObject({ ok: false, error: expect.stringContaining(words) });
  });
});
