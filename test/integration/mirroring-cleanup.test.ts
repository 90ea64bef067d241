import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import {
  becomes,
  createPod,
  deletePod,
  digestAt,
  entryOf,
  mirrorTo,
} from '#test/support/mirroring/mirror-resource.ts';
import { createPod as createIn, oneContainer } from '#test/support/operator/created-pod.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { pushImage, pushIndex } from '#test/support/registries/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Copies on a real registry that nobody needs any more. */
let operator: OperatorProcess;
let source: TestRegistry;
let mirror: TestRegistry;

beforeAll(async () => {
  [source, mirror, operator] = await Promise.all([
    startRegistry(),
    startRegistry(),
    startOperator({ adminKubeconfig: adminKubeconfig() }),
  ]);
});

let killed = false;

afterAll(async () => {
  await (killed ? operator?.kill() : operator?.stop());
  await Promise.all([source?.remove(), mirror?.remove()]);
});

describe('a copy that nobody uses any more', { timeout: 120_000 }, () => {
  const cleanup = { cleanup: { enabled: true, retention: '1s' } };
  const slow = { withinMs: 75_000, everyMs: 500 };

  test('is Expired after its retention, then deleted, and its entry goes', async () => {
    const namespace = await freshNamespace();
    await pushImage(source, 'team/unused:1');
    const image = `${source.host}/team/unused:1`;
    const mirrors = [{ registry: mirror.host, path: `/${namespace}` }];
    const path = await mirrorTo(namespace, mirrors, cleanup);
    const pod = await createPod(namespace, image);
    await becomes(path, image, 'Available');
    const { metadata } = await admin().get(path);
    expect(metadata.finalizers).toEqual(['kuik.enix.io/mirror-cleanup']);
    await deletePod(namespace, pod);
    await becomes(path, image, 'Expired');
    expect(await digestAt(mirror, `${namespace}/team/unused`, '1')).toBeDefined();
    await eventually(
      'its entry is gone',
      async () => (await entryOf(path, image)) === undefined,
      slow,
    );
    expect(await digestAt(mirror, `${namespace}/team/unused`, '1')).toBeUndefined();
  });

  test('by its digest is copied whole and offered by it; it goes by the tag that it has of ours', async () => {
    const namespace = await freshNamespace();
    const dying = await startRegistry();
    onTestFinished(() => dying.remove());
    const { digest } = await pushIndex(dying, 'team/pinned:1');
    const image = `${dying.host}/team/pinned:1@${digest}`;
    const mirrors = [{ registry: mirror.host, path: `/${namespace}` }];
    const path = await mirrorTo(namespace, mirrors, cleanup);
    const pod = await createPod(namespace, image);
    const copied = await becomes(path, image, 'Available');
    const repository = `${namespace}/team/pinned`;
    const copy = `${mirror.host}/${repository}:1@${digest}`;
    expect(copied).toMatchObject({ image: copy, digest });
    expect(copied).not.toHaveProperty('platforms');
    const tag = `kuik-${digest.replace(':', '-')}`;
    expect(await digestAt(mirror, repository, tag)).toBe(digest);
    await dying.stop();
    const other = await createIn(namespace, oneContainer(image));
    expect(other.pod.spec.containers).toMatchObject([{ image: copy }]);
    for (const name of [pod, other.pod.metadata.name]) await deletePod(namespace, name);
    const isForgotten = async () => (await entryOf(path, image)) === undefined;
    await eventually('its entry is gone', isForgotten, slow);
    expect(await digestAt(mirror, repository, tag)).toBeUndefined();
  });

  test('comes back when a Pod wants it before it is deleted', async () => {
    const namespace = await freshNamespace();
    await pushImage(source, 'team/back:1');
    const image = `${source.host}/team/back:1`;
    const mirrors = [{ registry: mirror.host, path: `/${namespace}` }];
    const path = await mirrorTo(namespace, mirrors, cleanup);
    const pod = await createPod(namespace, image);
    await becomes(path, image, 'Available');
    await deletePod(namespace, pod);
    await becomes(path, image, 'Expired');
    await createPod(namespace, image);
    await becomes(path, image, 'Available');
  });

  test('goes with its resource, where that cleans up; what a Pod runs stays', async () => {
    const namespace = await freshNamespace();
    await pushImage(source, 'team/gone:1');
    await pushImage(source, 'team/runs:1');
    const mirrors = [{ registry: mirror.host, path: `/${namespace}` }];
    const path = await mirrorTo(namespace, mirrors, cleanup);
    const [gone, runs] = ['gone', 'runs'].map((name) => `${source.host}/team/${name}:1`);
    await createPod(namespace, gone ?? '');
    await createPod(namespace, runs ?? '');
    await becomes(path, gone ?? '', 'Available');
    await becomes(path, runs ?? '', 'Available');
    await createPod(namespace, `${mirror.host}/${namespace}/team/runs:1`);
    await admin().remove(path);
    await eventually(
      'the resource is gone',
      async () => {
        const { status } = await admin().call('GET', path);
        return status === 404;
      },
      slow,
    );
    expect(await digestAt(mirror, `${namespace}/team/gone`, '1')).toBeUndefined();
    expect(await digestAt(mirror, `${namespace}/team/runs`, '1')).toBeDefined();
  });
});

test('a namespace that is deleted is gone within 90 s, though the mirror of its copies is down', {
  timeout: 150_000,
}, async () => {
  const namespace = await freshNamespace();
  const dead = await startRegistry();
  onTestFinished(() => dead.remove());
  await pushImage(source, 'team/orphan:1');
  const image = `${source.host}/team/orphan:1`;
  const mirrors = [{ registry: dead.host, path: `/${namespace}` }];
  const path = await mirrorTo(namespace, mirrors, {
    cleanup: { enabled: true, retention: '168h' },
  });
  await createPod(namespace, image);
  await becomes(path, image, 'Available');
  await dead.stop();
  await admin().remove(`/api/v1/namespaces/${namespace}`);
  await eventually(
    'the namespace is gone',
    async () => (await admin().call('GET', `/api/v1/namespaces/${namespace}`)).status === 404,
    { withinMs: 90_000, everyMs: 500 },
  );
  expect(operator.logs()).toContain('copies stay on their mirrors although their resource goes');
  const metrics = await (await fetch(`${operator.metricsUrl}/metrics`)).text();
  expect(metrics).toContain(
    `kube_image_keeper_mirroring_abandoned_copies_total{mirror="${dead.host}/${namespace}"} 1`,
  );
});

test('an operator that is killed goes on where it was: nothing is copied anew or taken for found', {
  timeout: 120_000,
}, async () => {
  const namespace = await freshNamespace();
  await pushImage(source, 'team/restart:1');
  await pushImage(source, 'team/later:1');
  const [image, later] = [`${source.host}/team/restart:1`, `${source.host}/team/later:1`];
  const mirrors = [{ registry: mirror.host, path: `/${namespace}` }];
  const cleanup = { cleanup: { enabled: true, retention: '168h' } };
  const path = await mirrorTo(namespace, mirrors, cleanup);
  await createPod(namespace, image);
  const before = await becomes(path, image, 'Available');
  killed = process.kill(operator.pid, 'SIGKILL');
  await createPod(namespace, later);
  const flags = ['--lease-duration=3s', '--renew-deadline=2s', '--retry-period=500ms'];
  const next = await startOperator({
    ...{ adminKubeconfig: adminKubeconfig(), replicaOf: operator, flags },
  });
  onTestFinished(next.stop);
  // The Lease of the one that was killed has to run out first.
  await eventually(
    'the next leader has copied what came meanwhile',
    async () => {
      const copies = (await entryOf(path, later))?.mirrors ?? [];
      return copies[0]?.state === 'Available';
    },
    { withinMs: 60_000 },
  );
  expect(await becomes(path, image, 'Available')).toEqual(before);
  await admin().remove(path);
  await eventually(
    'the next leader lets it go, with its copies',
    async () => (await admin().call('GET', path)).status === 404,
    { withinMs: 75_000, everyMs: 500 },
  );
  expect(await digestAt(mirror, `${namespace}/team/restart`, '1')).toBeUndefined();
});
