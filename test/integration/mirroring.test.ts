import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import {
  becomes,
  createPod,
  digestAt,
  entryOf,
  mirrorTo,
} from '#test/support/mirroring/mirror-resource.ts';
import { createPod as createIn, oneContainer } from '#test/support/operator/created-pod.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { storePullSecret } from '#test/support/registries/pull-secret.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryPassword, registryRequest } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Images of real Pods, copied from one real registry to others, and what is told of them. */
let operator: OperatorProcess;
let source: TestRegistry;
let mirror: TestRegistry;
let second: TestRegistry;

/** One look at a source each 50 ms; nobody waits three hours in a test. */
const pace = { interval: '1s', maxPerInterval: 20 };

beforeAll(async () => {
  [source, mirror, second, operator] = await Promise.all([
    startRegistry(),
    startRegistry(),
    startRegistry(),
    startOperator({
      adminKubeconfig: adminKubeconfig(),
      config: { monitoring: { registries: { default: pace } } },
    }),
  ]);
});

afterAll(async () => {
  await operator?.stop();
  await Promise.all([source?.remove(), mirror?.remove(), second?.remove()]);
});

describe('an image that a Pod runs', () => {
  test('is copied to the mirror, and the status says so', async () => {
    const namespace = await freshNamespace();
    const { digest } = await pushImage(source, 'team/app:1');
    const path = await mirrorTo(namespace, [{ registry: mirror.host, path: `/${namespace}` }]);
    const image = `${source.host}/team/app:1`;
    await createPod(namespace, image);
    const copy = await becomes(path, image, 'Available');
    expect(copy).toMatchObject({
      ...{ image: `${mirror.host}/${namespace}/team/app:1`, digest },
      mirroredAt: expect.stringMatching(/Z$/),
    });
    expect(await digestAt(mirror, `${namespace}/team/app`, '1')).toBe(digest);
    const { status } = await admin().get(path);
    expect(status).toMatchObject({ imageCount: 1, mirroredCount: 1, failedCount: 0 });
    const id = `mirrored-image:${mirror.host}/${namespace}/${image}`;
    const actor = await (await fetch(`${operator.debugUrl}/debug/actors/${id}`)).json();
    expect(actor).toMatchObject({ state: ['Available'] });
  });
});

test('a Pod that comes when the source is down is routed to the copy', async () => {
  const namespace = await freshNamespace();
  const dying = await startRegistry();
  onTestFinished(() => dying.remove());
  await pushImage(dying, 'team/survives:1');
  const image = `${dying.host}/team/survives:1`;
  const path = await mirrorTo(namespace, [{ registry: mirror.host, path: `/${namespace}` }]);
  await createPod(namespace, image);
  await becomes(path, image, 'Available');
  await dying.stop();
  const copy = `${mirror.host}/${namespace}/team/survives:1`;
  const { pod } = await createIn(namespace, oneContainer(image));
  expect(pod.spec.containers[0].image).toBe(copy);
  // A copy that a Pod runs is no image to be copied itself.
  await eventually('the status has the one image', async () => {
    const { status } = await admin().get(path);
    return status.imageCount === 1;
  });
});

test('a tag that moves at its source is told, and its copy stays what it was', async () => {
  const namespace = await freshNamespace();
  const { digest } = await pushImage(source, 'team/moves:1');
  const image = `${source.host}/team/moves:1`;
  const path = await mirrorTo(namespace, [{ registry: mirror.host, path: `/${namespace}` }]);
  await createPod(namespace, image);
  await becomes(path, image, 'Available');
  await pushImage(source, 'team/moves:1', { label: 'another build' });
  await eventually(
    'the condition says so',
    async () => {
      const { conditions = [] } = (await admin().get(path)).status;
      const told = conditions.find((one: { type: string }) => one.type === 'SourceChanged');
      return told?.status === 'True' && told.message.includes(image);
    },
    { withinMs: 40_000 },
  );
  expect(await digestAt(mirror, `${namespace}/team/moves`, '1')).toBe(digest);
});

describe('an image that is private', () => {
  test('is copied with the Secrets of those who may pull it, and for nobody else', async () => {
    const guarded = await startRegistry({ users: ['alice'] });
    onTestFinished(() => guarded.remove());
    await pushImage(guarded, 'team-a/private:1');
    const image = `${guarded.host}/team-a/private:1`;
    const [ours, theirs] = [await freshNamespace(), await freshNamespace()];
    const auths = { [guarded.host]: { username: 'alice', password: registryPassword } };
    await storePullSecret({ namespace: ours, name: 'pull' }, { auths });
    const at = (namespace: string) => [{ registry: mirror.host, path: `/${namespace}` }];
    const own = await mirrorTo(ours, at(ours));
    const foreign = await mirrorTo(theirs, at(theirs));
    await createPod(ours, image, { imagePullSecrets: [{ name: 'pull' }] });
    await createPod(theirs, image);
    await becomes(own, image, 'Available');
    const refused = await becomes(foreign, image, 'BackingOff');
    expect(refused.lastError).toContain('401');
    expect(await digestAt(mirror, `${ours}/team-a/private`, '1')).toBeDefined();
    expect(await digestAt(mirror, `${theirs}/team-a/private`, '1')).toBeUndefined();
  });

  test('is pushed with the Secret of the mirror entry; one that is wrong says so, and heals', async () => {
    const guarded = await startRegistry({ users: ['alice'] });
    onTestFinished(() => guarded.remove());
    const namespace = await freshNamespace();
    await pushImage(source, 'team/guarded:1');
    const image = `${source.host}/team/guarded:1`;
    const login = (password: string) => ({
      auths: { [guarded.host]: { username: 'alice', password } },
    });
    await storePullSecret({ namespace, name: 'push' }, login('not the password'));
    const path = await mirrorTo(namespace, [
      { registry: guarded.host, path: '/m', credentialSecret: { name: 'push' } },
    ]);
    await createPod(namespace, image);
    const refused = await becomes(path, image, 'Failed');
    expect(refused.lastError).toContain('401');
    await admin().remove(`/api/v1/namespaces/${namespace}/secrets/push`);
    await storePullSecret({ namespace, name: 'push' }, login(registryPassword));
    await becomes(path, image, 'Available');
    expect(await digestAt(guarded, 'm/team/guarded', '1')).toBeDefined();
  });
});

describe('a mirror', () => {
  test('that is added fills itself from the Pods that run, and one that is taken out leaves', async () => {
    const namespace = await freshNamespace();
    const { digest } = await pushImage(source, 'team/width:1');
    const image = `${source.host}/team/width:1`;
    const first = { registry: mirror.host, path: `/${namespace}` };
    const other = { registry: second.host, path: `/${namespace}` };
    const path = await mirrorTo(namespace, [first]);
    await createPod(namespace, image);
    await becomes(path, image, 'Available');
    await admin().merge(path, { spec: { mirrors: [first, other] } });
    await eventually('the second mirror has it', async () => {
      const copies = (await entryOf(path, image))?.mirrors ?? [];
      return copies.length === 2 && copies.every(({ state }) => state === 'Available');
    });
    expect(await digestAt(second, `${namespace}/team/width`, '1')).toBe(digest);
    await admin().merge(path, { spec: { mirrors: [other] } });
    await eventually('the first is not in the status any more', async () => {
      const copies = (await entryOf(path, image))?.mirrors ?? [];
      return copies.length === 1 && copies[0]?.image.startsWith(second.host);
    });
    expect(await digestAt(mirror, `${namespace}/team/width`, '1')).toBe(digest);
  });

  test('that is down holds up nobody else, and is filled when it is back', async () => {
    const namespace = await freshNamespace();
    await pushImage(source, 'team/down:1');
    const image = `${source.host}/team/down:1`;
    const dead = await startRegistry();
    onTestFinished(() => dead.remove());
    await dead.stop();
    const path = await mirrorTo(namespace, [
      { registry: dead.host, path: `/${namespace}` },
      { registry: mirror.host, path: `/${namespace}` },
    ]);
    await createPod(namespace, image);
    const [down] = await eventually('one copy stands, the other backs off', async () => {
      const copies = (await entryOf(path, image))?.mirrors ?? [];
      return copies[0]?.state === 'BackingOff' && copies[1]?.state === 'Available' && copies;
    });
    expect(down?.lastError).toContain(dead.host);
    await dead.start();
    await eventually('it is copied there, too', async () => {
      const copies = (await entryOf(path, image))?.mirrors ?? [];
      return copies.every(({ state }) => state === 'Available');
    });
  });

  test('that lost a copy gets it again as soon as a review has seen that', async () => {
    const namespace = await freshNamespace();
    const { digest } = await pushImage(source, 'team/lost:1');
    const image = `${source.host}/team/lost:1`;
    const mirrors = [{ registry: mirror.host, path: `/${namespace}` }];
    const path = await mirrorTo(namespace, mirrors, { priority: -1 });
    await createPod(namespace, image);
    await becomes(path, image, 'Available');
    const repository = `${namespace}/team/lost`;
    await registryRequest(mirror, { method: 'DELETE', path: `/v2/${repository}/manifests/1` });
    expect(await digestAt(mirror, repository, '1')).toBeUndefined();
    await createPod(namespace, image);
    await eventually('it is there again', async () => {
      return (await digestAt(mirror, repository, '1')) === digest;
    });
    await becomes(path, image, 'Available');
  });
});
