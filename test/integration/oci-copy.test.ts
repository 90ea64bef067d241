import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { pushImage } from '#test/support/registries/images.ts';
import {
  alice,
  imageOn,
  type OciStage,
  soon,
  startOciStage,
} from '#test/support/registries/oci-stage.ts';
import { registryRequest } from '#test/support/registries/registry-request.ts';

let stage: OciStage;

beforeAll(async () => {
  stage = await startOciStage();
});
afterEach(async () => {
  await stage.closeClients();
});
afterAll(async () => {
  await stage?.close();
});

describe('an image that a mirror lacks', () => {
  test('is copied to it with the same digest, and a second time nothing is', async () => {
    const client = stage.makeClient();
    const image = await pushImage(stage.plain, 'team/fresh:1', { layer: randomBytes(3_000_000) });
    const request = {
      source: imageOn(stage.plain, 'team/fresh'),
      sourceCredentials: [],
      target: imageOn(stage.guarded, 'mirror/team/fresh'),
      targetCredentials: [alice],
      platforms: 'all',
    } as const;
    expect(await client.copier.copy(request, soon())).toMatchObject({
      kind: 'copied',
      found: false,
      digest: image.digest,
      sourceDigest: image.digest,
    });
    const pulled = await registryRequest(stage.guarded, {
      path: '/v2/mirror/team/fresh/manifests/1',
      headers: { accept: image.mediaType },
    });
    expect(pulled.headers['docker-content-digest']).toBe(image.digest);
    expect(await client.copier.copy(request, soon())).toMatchObject({ found: true, bytes: 0 });
  });
});
