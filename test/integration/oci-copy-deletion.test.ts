import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { DeleteRequest } from '#oci/copy.ts';
import type { FaultRule } from '#test/support/registries/fault-registry.ts';
import { deleteManifest, pushImage, pushIndex } from '#test/support/registries/images.ts';
import { type OciCopyStage, startOciCopyStage } from '#test/support/registries/oci-copy-stage.ts';
import { alice } from '#test/support/registries/oci-stage.ts';
import { pullImage, tagsOf } from '#test/support/registries/pulled-image.ts';
import { registryRequest } from '#test/support/registries/registry-request.ts';

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

const byTag = /\/manifests\/(?!sha256:)/;
const byDigest = /\/manifests\/sha256:/;
/** What a registry says that does not delete tags. */
const noTags: FaultRule = {
  ...{ method: 'DELETE', path: byTag },
  fault: { kind: 'answer', status: 405, body: '{"errors":[{"code":"UNSUPPORTED"}]}' },
};

/** An image on the mirror, under one more tag where one is given. */
async function mirrored(path: string, other?: string) {
  const { digest, mediaType } = await pushImage(stage.realTarget, `${path}:1`);
  const url = `/v2/${path}/manifests/`;
  if (other === undefined) return digest;
  const headers = { accept: mediaType };
  const { body } = await registryRequest(stage.realTarget, { path: `${url}1`, headers });
  await registryRequest(stage.realTarget, {
    ...{ method: 'PUT', path: `${url}${other}`, body, headers: { 'content-type': mediaType } },
  });
  return digest;
}

function wanted(path: string, digest: string): DeleteRequest {
  const target = { registry: stage.target.host, path, tag: '1' };
  const removal = { mayBegin: () => true, signal: new AbortController().signal };
  return { target, digest, credentials: [], removal };
}

async function remove(request: DeleteRequest) {
  return await stage.makeClient().copier.deleteCopy(request, AbortSignal.timeout(10_000));
}

async function headStatus(path: string, reference: string) {
  const url = `/v2/${path}/manifests/${reference}`;
  const accept = 'application/vnd.oci.image.manifest.v1+json';
  const request = { method: 'HEAD', path: url, headers: { accept } } as const;
  return (await registryRequest(stage.realTarget, request)).status;
}

describe('a copy to delete', () => {
  test('goes by its tag alone: another tag of the same manifest keeps it (rule 17)', async () => {
    const digest = await mirrored('gone/one', 'other');
    expect(await remove(wanted('gone/one', digest))).toEqual({ kind: 'deleted' });
    expect(await tagsOf(stage.realTarget, 'gone/one')).toEqual(['other']);
    expect(await pullImage(stage.realTarget, 'gone/one', 'other')).toMatchObject({ problems: [] });
    expect(await remove(wanted('gone/one', digest))).toEqual({ kind: 'absent' });
  });

  test('stays where something else stands under its tag', async () => {
    const digest = await mirrored('gone/changed');
    const other = await pushImage(stage.realTarget, 'gone/changed:1', { label: 'other' });
    const expected = { kind: 'changed', digest: other.digest };
    expect(await remove(wanted('gone/changed', digest))).toEqual(expected);
    expect(await headStatus('gone/changed', '1')).toBe(200);
  });

  test('by digest has a tag of its own, and that goes', async () => {
    const { digest } = await pushImage(stage.realSource, 'gone/pinned:1');
    await stage.copy({ path: 'gone/pinned', digest });
    const request = wanted('gone/pinned', digest);
    const target = { registry: stage.target.host, path: 'gone/pinned', digest };
    expect(await remove({ ...request, target })).toEqual({ kind: 'deleted' });
    expect(await tagsOf(stage.realTarget, 'gone/pinned')).toEqual([]);
  });

  test('is asked for with the right to delete', async () => {
    const digest = await mirrored('gone/guarded');
    stage.target.setAuth({ kind: 'bearer', users: { alice: alice.password } });
    const request = { ...wanted('gone/guarded', digest), credentials: [alice] };
    expect(await remove(request)).toEqual({ kind: 'deleted' });
    const tokens = stage.target.requests().filter(({ path }) => path.startsWith('/token'));
    expect(tokens.some(({ path }) => path.includes('delete'))).toBe(true);
  });
});

describe('a registry that does not delete tags (rule 16)', () => {
  test('gets a manifest of ours in its place, which goes by its digest', async () => {
    const digest = await mirrored('gone/two', 'other');
    stage.target.setRules(noTags);
    expect(await remove(wanted('gone/two', digest))).toEqual({ kind: 'deleted' });
    expect(await tagsOf(stage.realTarget, 'gone/two')).toEqual(['other']);
    expect(await pullImage(stage.realTarget, 'gone/two', 'other')).toMatchObject({ problems: [] });
    const deleted = stage.target.requests().filter(({ method }) => method === 'DELETE');
    // Its tag; what was pushed to try; what stood in its place. Never the manifest itself.
    expect(deleted).toHaveLength(3);
    expect(deleted.some(({ path }) => path.endsWith(digest))).toBe(false);
  });

  test('is not asked a second time what it can', async () => {
    const client = stage.makeClient();
    stage.target.setRules(noTags);
    for (const path of ['gone/three', 'gone/four']) {
      const request = wanted(path, await mirrored(path));
      stage.target.resetCounts();
      const signal = AbortSignal.timeout(10_000);
      expect(await client.copier.deleteCopy(request, signal)).toEqual({ kind: 'deleted' });
    }
    const deleted = stage.target.requests().filter(({ method }) => method === 'DELETE');
    expect(deleted).toHaveLength(1);
    expect(await tagsOf(stage.realTarget, 'gone/four')).toEqual([]);
  });

  test('though it says that it did is found out', async () => {
    const digest = await mirrored('gone/lied');
    const fault = { kind: 'answer', status: 202 } as const;
    stage.target.setRules({ method: 'DELETE', path: byTag, fault });
    expect(await remove(wanted('gone/lied', digest))).toEqual({ kind: 'deleted' });
    expect(await headStatus('gone/lied', '1')).toBe(404);
  });

  test('nor manifests keeps the copy as it is, and says so', async () => {
    const digest = await mirrored('gone/never');
    const fault = { kind: 'answer', status: 405 } as const;
    stage.target.setRules(noTags, { method: 'DELETE', path: byDigest, fault });
    const client = stage.makeClient();
    const request = wanted('gone/never', digest);
    for (let tries = 0; tries < 2; tries += 1) {
      const outcome = await client.copier.deleteCopy(request, AbortSignal.timeout(10_000));
      expect(outcome).toMatchObject({ kind: 'refused', message: expect.stringMatching(/deletes/) });
    }
    expect(await pullImage(stage.realTarget, 'gone/never', '1')).toMatchObject({ digest });
    const put = stage.target.requests().filter(({ method, path }) => {
      return method === 'PUT' && /\/manifests\/1$/.test(path);
    });
    expect(put).toEqual([]);
  });

  test('and is in trouble is tried again later', async () => {
    const digest = await mirrored('gone/trouble');
    const fault = { kind: 'answer', status: 503 } as const;
    stage.target.setRules({ method: 'DELETE', fault });
    expect(await remove(wanted('gone/trouble', digest))).toMatchObject({
      ...{ kind: 'failed', side: 'target', reason: 'unreachable' },
    });
    expect(await headStatus('gone/trouble', '1')).toBe(200);
  });
});

describe('a look at a copy', () => {
  const look = async (path: string, digest?: string) => {
    const target = { registry: stage.target.host, path, tag: '1' };
    const request = { target, credentials: [], ...(digest !== undefined && { digest }) };
    return await stage.makeClient().copier.look(request, AbortSignal.timeout(10_000));
  };

  test('says that it is there, changed or gone, with one request', async () => {
    const digest = await mirrored('look/one');
    expect(await look('look/one', digest)).toEqual({ kind: 'there', digest });
    expect(stage.target.traffic.requests()).toEqual({ 'HEAD manifest': 1 });
    const other = `sha256:${'0'.repeat(64)}`;
    expect(await look('look/one', other)).toEqual({ kind: 'changed', digest });
    expect(await look('look/none', digest)).toEqual({ kind: 'gone' });
  });

  test('says that an index is gone when one of its parts is', async () => {
    const { digest } = await pushIndex(stage.realTarget, 'look/index:1');
    expect(await look('look/index', digest)).toEqual({ kind: 'there', digest });
    const copy = await pullImage(stage.realTarget, 'look/index', '1');
    const part = copy?.digests.find((one) => one !== digest) ?? '';
    await deleteManifest(stage.realTarget, 'look/index', part);
    expect(await look('look/index', digest)).toEqual({ kind: 'gone' });
  });

  test('tells trouble from what is gone', async () => {
    const digest = await mirrored('look/trouble');
    stage.target.setRules({ fault: { kind: 'answer', status: 503 } });
    expect(await look('look/trouble', digest)).toMatchObject({
      ...{ kind: 'failed', side: 'target', reason: 'unreachable' },
    });
    await stage.target.refuse();
    expect(await look('look/trouble', digest)).toMatchObject({ kind: 'failed', silent: true });
    await stage.target.accept();
  });
});
