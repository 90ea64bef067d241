import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Fault } from '#test/support/registries/faults.ts';
import { pushIndex } from '#test/support/registries/images.ts';
import { type LayeredImage, pushLayeredImage } from '#test/support/registries/layered-images.ts';
import { type OciCopyStage, startOciCopyStage } from '#test/support/registries/oci-copy-stage.ts';
import { alice } from '#test/support/registries/oci-stage.ts';
import { pullImage, tagsOf } from '#test/support/registries/pulled-image.ts';

let stage: OciCopyStage;
let image: LayeredImage;
let copies = 0;

const mib = 1024 * 1024;
const path = 'team/app';
const uploads = /\/blobs\/uploads\//;
const manifests = /\/manifests\//;

beforeAll(async () => {
  stage = await startOciCopyStage();
  image = await pushLayeredImage(stage.realSource, `${path}:1`, {
    layers: [{ bytes: 5 * mib }, { bytes: 3 * mib + 1 }],
  });
});
afterEach(async () => {
  await stage.reset();
});
afterAll(async () => {
  await stage?.close();
});

/** To a place of its own; what came of it, and what is there now. */
async function copy(
  wanted: Partial<Parameters<OciCopyStage['copy']>[0]> = {},
  options?: Parameters<OciCopyStage['copy']>[1],
) {
  copies += 1;
  const toPath = `copies/${copies}`;
  const outcome = await stage.copy({ path, toPath, ...wanted }, options);
  return { outcome, copied: await pullImage(stage.realTarget, toPath, '1') };
}

const sound = { outcome: { kind: 'copied', found: false }, copied: { problems: [] } };

function seen(method: string, pattern: RegExp) {
  return stage.target
    .requests()
    .filter((request) => request.method === method && pattern.test(request.path));
}

describe('manifests', () => {
  test('come by digest, children first, and only the last one by tag (rule 6)', async () => {
    const index = await pushIndex(stage.realSource, 'team/order:1');
    expect(await stage.copy({ path: 'team/order' })).toMatchObject({ digest: index.digest });
    const put = seen('PUT', manifests).map(({ path: to }) => to.split('/manifests/')[1] ?? '');
    expect(put.slice(0, -1).every((name) => name.startsWith('sha256:'))).toBe(true);
    expect(put.at(-1)).toBe('1');
    expect(await tagsOf(stage.realTarget, 'team/order')).toEqual(['1']);
  });

  test.each([
    [400, 'TAG_INVALID', 'the repository is immutable', 'immutable-tag'],
    [412, 'PRECONDITION', 'configured as immutable', 'immutable-tag'],
    [409, 'CONFLICT', 'already exists', 'immutable-tag'],
    [400, 'MANIFEST_INVALID', 'no such type', 'manifest-refused'],
    [415, 'UNSUPPORTED', 'media type', 'manifest-refused'],
    [403, 'DENIED', 'no', 'denied'],
    [507, 'UNKNOWN', 'full', 'no-space'],
    [500, 'UNKNOWN', 'oops', 'unreachable'],
    [429, 'TOOMANYREQUESTS', 'slow', 'throttled'],
  ])('that are answered with %d %s: %s', async (status, code, message, reason) => {
    const body = JSON.stringify({ errors: [{ code, message }] });
    stage.target.setRules({
      ...{ method: 'PUT', path: manifests },
      fault: { kind: 'late-answer', status, body },
    });
    const { outcome } = await copy();
    expect(outcome).toMatchObject({ kind: 'failed', side: 'target', reason });
    expect(outcome).toMatchObject({ message: expect.stringContaining(message) });
  });

  test('of which the registry lacks blobs are sent with all of these, once (rule 7)', async () => {
    const body = JSON.stringify({ errors: [{ code: 'MANIFEST_BLOB_UNKNOWN' }] });
    const lacking: Fault = { kind: 'late-answer', status: 404, body };
    stage.target.setRules({ method: 'PUT', path: manifests, times: 1, fault: lacking });
    expect(await copy()).toMatchObject(sound);
    expect(seen('PUT', uploads)).toHaveLength(6);
    stage.target.resetCounts();
    stage.target.setRules({ method: 'PUT', path: manifests, fault: lacking });
    const { outcome } = await copy();
    expect(outcome).toMatchObject({ kind: 'failed', side: 'target', reason: 'blob-unknown' });
    expect(seen('PUT', manifests)).toHaveLength(2);
  });

  test('are kept as they came, Docker ones too (rule 11)', async () => {
    const docker = await pushLayeredImage(stage.realSource, 'team/docker:1', {
      ...{ layers: [{ bytes: 1_000 }], docker: true },
    });
    const outcome = await stage.copy({ path: 'team/docker' });
    expect(outcome).toMatchObject({ digest: docker.digest, sourceDigest: docker.digest });
  });
});

describe('a mirror', () => {
  test('whose repository must be made first says how (rule 14)', async () => {
    const body = JSON.stringify({ errors: [{ code: 'NAME_UNKNOWN', message: 'no repository' }] });
    const fault: Fault = { kind: 'answer', status: 404, body };
    stage.target.setRules({ method: 'POST', path: uploads, fault });
    const { outcome } = await copy();
    expect(outcome).toMatchObject({
      ...{ kind: 'failed', side: 'target', reason: 'repository-missing' },
      message: expect.stringContaining('create the repository'),
    });
  });

  test('is asked with one credential after the other, and with the right one from then on', async () => {
    stage.target.setAuth({ kind: 'basic', users: { alice: alice.password } });
    const wrong = { ...alice, source: 'team/wrong', password: 'wrong' };
    expect(await copy({ targetCredentials: [wrong, alice] })).toMatchObject(sound);
    const { outcome } = await copy({ targetCredentials: [wrong] });
    expect(outcome).toMatchObject({ kind: 'failed', side: 'target', reason: 'denied' });
  });

  test('that says 429 costs one request more than what it had answered', async () => {
    const headers = { 'retry-after': '20' };
    const fault: Fault = { kind: 'answer', status: 429, headers };
    stage.target.setRules({ fault });
    const { outcome } = await copy();
    expect(outcome).toMatchObject({ side: 'target', reason: 'throttled' });
    expect(outcome).toHaveProperty('retryAtMs');
    expect(stage.target.requests()).toHaveLength(1);
  });

  test('of which nothing is heard says so', async () => {
    await stage.target.refuse();
    const { outcome } = await copy();
    await stage.target.accept();
    expect(outcome).toMatchObject({ side: 'target', reason: 'unreachable', silent: true });
  });
});

test('the bytes on the mirror are those of the source', async () => {
  const { copied } = await copy();
  expect(copied?.digest).toBe(image.digest);
});
