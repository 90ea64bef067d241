import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { customResourceDefinitions } from '#api/crds/definitions.ts';
import { type ControlPlane, startControlPlane } from '#test/support/api-server/control-plane.ts';
import { v2Definitions } from '#test/support/api-server/v2-definitions.ts';
import {
  leaveVersion2,
  lookedAt,
  serveDefinitions,
  v2MirroredAt,
  v2Paths,
  writeV2Status,
} from '#test/support/api-server/v2-world.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { pushImage } from '#test/support/registries/images.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { eventually } from '#test/support/time/eventually.ts';

/**
 * docs/upgrade-from-v2.md, step by step, on an API server of its own: what kuik v2 left there, our
 * operator beside its definitions, then ours in their place, and the way back.
 */
let plane: ControlPlane;
let operator: OperatorProcess | undefined;
let source: TestRegistry;
let mirror: TestRegistry;
let copyName: string;

const image = (path: string) => `${source.host}/${path}`;
const looked = (name: string) => lookedAt({ sourceHost: source.host }, name);
const imagesOf = ({ containers }: { readonly containers: readonly { readonly image: string }[] }) =>
  containers.map((one) => one.image);

beforeAll(async () => {
  [plane, source, mirror] = await Promise.all([
    startControlPlane({ controllers: false, crds: false }),
    startRegistry(),
    startRegistry(),
  ]);
  for (const name of ['app:1', 'beside:1', 'old:1']) {
    await pushImage(source, `team/${name}`);
    await pushImage(mirror, `kuik/team/${name}`);
  }
  const hosts = { sourceHost: source.host, mirrorHost: mirror.host };
  copyName = await leaveVersion2({ admin: plane.admin, ...hosts });
  operator = await startOperator({ adminKubeconfig: plane.adminKubeconfig });
});

afterAll(async () => {
  await operator?.kill();
  await plane?.stop();
  await Promise.all([source?.remove(), mirror?.remove()]);
});

const createPod = async (object: object) => (await plane.admin.create(v2Paths.pods, object)).body;

/** What stays as it was says nothing where no operator was there to change it. */
const operatorHasReviewed = async () => expect(await operator?.reviews()).toBeGreaterThan(0);

describe("beside kuik v2's definitions", () => {
  test('Pods are routed to its copies, also while its webhook is there and answers nothing', async () => {
    const pod = await createPod({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'new' } },
      spec: { containers: [{ name: 'app', image: image('away/app:1') }] },
    });
    expect(imagesOf(pod.spec)).toEqual([`${mirror.host}/kuik/team/app:1`]);
    // The Secret that it copied is the one that serves.
    expect(pod.spec.imagePullSecrets).toEqual([{ name: copyName }]);
    expect(JSON.parse(pod.metadata.annotations['kuik.enix.io/original-images'])).toEqual({
      app: image('away/app:1'),
    });
  });

  test('a Pod with its annotation on every container goes through as it came', async () => {
    const before = await operator?.reviews();
    const pod = await createPod(looked('again'));
    expect(await operator?.reviews()).toBeGreaterThan(before ?? Number.NaN);
    expect(pod.metadata.annotations).toEqual(looked('again').metadata.annotations);
    expect(imagesOf(pod.spec)).toEqual(imagesOf(looked('again').spec));
    expect(pod.spec.imagePullSecrets).toBeUndefined();
  });
});

describe('once the definitions are ours', () => {
  beforeAll(async () => {
    await operatorHasReviewed();
    await serveDefinitions(plane.admin, customResourceDefinitions());
  });

  test('statuses go on where kuik v2 was, and its mark of an unused image means now', async () => {
    const unused = await eventually('the copies are told of in our way', async () => {
      const { status } = await plane.admin.get(v2Paths.mirror);
      const found = status.matchingImages.find(
        (one: { readonly image: string }) => one.image === image('team/old:1'),
      );
      return found?.mirrors[0].state === 'Unused' && found;
    });
    expect(Date.now() - Date.parse(unused.unusedSince)).toBeLessThan(120_000);
    const { status } = await plane.admin.get(v2Paths.mirror);
    const copy = { image: `${mirror.host}/kuik/team/app:1`, mirroredAt: v2MirroredAt };
    expect(status.matchingImages).toContainEqual(
      expect.objectContaining({
        image: image('team/app:1'),
        mirrors: [expect.objectContaining(copy)],
      }),
    );
    expect(status.failedCount).toBe(0);
  });

  test('its finalizers go, but the one of a mirror that cleans up', async () => {
    await eventually('both are right', async () => {
      const set = await plane.admin.get(v2Paths.set);
      const { metadata } = await plane.admin.get(v2Paths.mirror);
      return (
        set.metadata.finalizers?.join() === 'example.com/other' &&
        metadata.finalizers?.join() === 'kuik.enix.io/mirror-cleanup'
      );
    });
  });

  test('a Secret that it copied gets an owner, and keeps its name', async () => {
    const copy = await eventually('it has an owner', async () => {
      const found = await plane.admin.get(`${v2Paths.secrets}/${copyName}`);
      return found?.metadata.ownerReferences?.length === 1 && found;
    });
    const owner = { kind: 'ClusterImageSetMirror', name: 'copies' };
    expect(copy.metadata.ownerReferences[0]).toMatchObject(owner);
  });

  test('Pods that it rewrote stay as they are', async () => {
    const { metadata, spec } = await plane.admin.get(`${v2Paths.pods}/looked`);
    expect(metadata.annotations).toEqual(looked('looked').metadata.annotations);
    expect(imagesOf(spec)).toEqual(imagesOf(looked('looked').spec));
  });
});

describe('on the way back', () => {
  beforeAll(async () => {
    await operatorHasReviewed();
    await operator?.stop();
    operator = undefined;
    await serveDefinitions(plane.admin, v2Definitions());
    await eventually("kuik v2's definitions are in force", async () => {
      const { status } = await plane.admin.get(v2Paths.mirror);
      return status.conditions === undefined;
    });
  });

  test.each([
    ['a mirror', v2Paths.mirror, 'matchingImages', ['image']],
    ['an availability', v2Paths.checks, 'images', ['image', 'status']],
  ] as const)(
    'the status of %s is one that kuik v2 goes on from',
    async (_, path, list, required) => {
      const { status } = await plane.admin.get(path);
      expect(status[list].length).toBeGreaterThan(0);
      for (const entry of status[list]) {
        for (const field of required) expect(entry[field], field).toEqual(expect.any(String));
      }
      const turned = { ...status, [list]: status[list].toReversed() };
      const { body, ...answer } = await writeV2Status(plane.admin, path, turned);
      expect(body.message ?? answer.status).toBe(200);
      expect(body.status[list]).toEqual(turned[list]);
    },
  );

  test('what was mirrored counts as mirrored there, too', async () => {
    const { status } = await plane.admin.get(v2Paths.mirror);
    for (const path of ['team/app:1', 'team/old:1']) {
      const mirrors = [{ image: `${mirror.host}/kuik/${path}`, mirroredAt: v2MirroredAt }];
      const entry = expect.objectContaining({ image: image(path), mirrors });
      expect(status.matchingImages).toContainEqual(entry);
    }
  });
});
