import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { eventsOf } from '#test/support/api-server/events.ts';
import { createNamespace, removeNamespace } from '#test/support/api-server/namespace.ts';
import { admin, adminKubeconfig, freshNamespace } from '#test/support/api-server/plane.ts';
import { createPod as createIn, oneContainer } from '#test/support/operator/created-pod.ts';
import { type OperatorProcess, startOperator } from '#test/support/operator/operator-process.ts';
import { deleteManifest, pushImage } from '#test/support/registries/images.ts';
import { storePullSecret } from '#test/support/registries/pull-secret.ts';
import { startRegistry, type TestRegistry } from '#test/support/registries/registry.ts';
import { registryPassword } from '#test/support/registries/registry-request.ts';
import { eventually } from '#test/support/time/eventually.ts';

/** Images of real Pods, checked on real registries by an operator, and what is told of them. */
let operator: OperatorProcess;
let open: TestRegistry;
let guarded: TestRegistry;
let shared: string;

/** One check each 50 ms a registry; nobody waits three hours in a test. */
const pace = { interval: '1s', maxPerInterval: 20 };
const cisas = '/apis/kuik.enix.io/v1alpha1/clusterimagesetavailabilities';

beforeAll(async () => {
  [open, guarded, operator, shared] = await Promise.all([
    startRegistry(),
    startRegistry({ users: ['alice'] }),
    startOperator({
      adminKubeconfig: adminKubeconfig(),
      config: { monitoring: { registries: { default: pace } } },
    }),
    createNamespace(admin(), 'monitoring'),
  ]);
  for (const tag of ['1', '2', '3']) await pushImage(open, `team/app:${tag}`);
  await pushImage(guarded, 'team/private:1');
});

let killed = false;

afterAll(async () => {
  await (killed ? operator?.kill() : operator?.stop());
  await removeNamespace(admin(), shared);
  await Promise.all([open?.remove(), guarded?.remove()]);
});

interface Entry {
  readonly image: string;
  readonly status: string;
  readonly original?: boolean;
  readonly unusedSince?: string;
  readonly lastMonitor?: string;
  readonly lastError?: string;
}

/** A resource about the Pods of some namespaces, gone when the test is over. */
async function watch(namespaces: readonly string[], spec: object = {}): Promise<string> {
  const { body } = await admin().create(cisas, {
    apiVersion: 'kuik.enix.io/v1alpha1',
    kind: 'ClusterImageSetAvailability',
    metadata: { generateName: 'watch-' },
    spec: {
      imageFilter: { include: ['.+'] },
      namespaceFilter: { include: namespaces },
      ...spec,
    },
  });
  onTestFinished(() => admin().remove(`${cisas}/${body.metadata.name}`));
  return body.metadata.name;
}

async function createPod(namespace: string, image: string, spec: object = {}): Promise<string> {
  const { pod } = await createIn(namespace, { ...oneContainer(image), ...spec });
  return pod.metadata.name;
}

async function entryOf(resource: string, image: string): Promise<Entry | undefined> {
  const { status } = await admin().get(`${cisas}/${resource}`);
  return (status?.images as Entry[] | undefined)?.find((entry) => entry.image === image);
}

/** Waits until the status has it so. */
async function becomes(resource: string, image: string, status: string): Promise<Entry> {
  let seen: Entry | undefined;
  return await eventually(`${image} is ${status}`, async () => {
    seen = await entryOf(resource, image);
    expect(seen).toMatchObject({ status });
    return seen;
  });
}

async function becomesUnused(resource: string, image: string): Promise<Entry> {
  return await eventually(`${image} is unused`, async () => {
    const entry = await entryOf(resource, image);
    return entry?.unusedSince !== undefined && entry;
  });
}

async function storeSecret(namespace: string, name: string, password = registryPassword) {
  const auths = { [guarded.host]: { username: 'alice', password } };
  await storePullSecret({ namespace, name }, { auths });
}

const pullsWith = (name: string) => ({ imagePullSecrets: [{ name }] });

describe('an image in use', () => {
  test('is checked, counted and shown: in the status, in columns, as an actor, at /status/images', async () => {
    const namespace = await freshNamespace();
    await createPod(namespace, `${open.host}/team/app:1`);
    await createPod(namespace, `${open.host}/team/nowhere:1`);
    const resource = await watch([namespace]);
    const there = await becomes(resource, `${open.host}/team/app:1`, 'Available');
    expect(there).toMatchObject({ original: true, lastMonitor: expect.stringMatching(/Z$/) });
    const gone = await becomes(resource, `${open.host}/team/nowhere:1`, 'NotFound');
    expect(gone.lastError).toContain('404');
    const { status } = await admin().get(`${cisas}/${resource}`);
    expect(status).toMatchObject({ imageCount: 2, availableCount: 1, missingCount: 1 });
    const id = `tracked-image:${resource}/${open.host}/team/app:1`;
    const actor = await (await fetch(`${operator.debugUrl}/debug/actors/${id}`)).json();
    expect(actor).toMatchObject({ state: ['availability.Available', 'usage.Used'] });
    const answer = await fetch(`${operator.metricsUrl}/status/images?groupBy=cisa`);
    const page = (await answer.json()) as { groups: Record<string, unknown[]> };
    expect(page.groups[resource]).toHaveLength(2);
    const metrics = await (await fetch(`${operator.metricsUrl}/metrics`)).text();
    expect(metrics).toContain(
      `kube_image_keeper_monitoring_images{name="${resource}",registry="${open.host}",status="NotFound",used="true",original="true"} 1`,
    );
    const message = await eventually('the condition says how long a round takes', async () => {
      const { conditions = [] } = (await admin().get(`${cisas}/${resource}`)).status;
      return conditions.find((one: { type: string }) => one.type === 'Ready')?.message;
    });
    expect(message).toContain(`2 images of ${open.host} at 20 a second`);
  });

  test('that is deleted from its registry turns to NotFound, and an event says so', async () => {
    const namespace = await freshNamespace();
    const { digest } = await pushImage(open, 'team/doomed:1');
    const image = `${open.host}/team/doomed:1`;
    await createPod(namespace, image);
    const resource = await watch([namespace]);
    await becomes(resource, image, 'Available');
    await deleteManifest(open, 'team/doomed', digest);
    await becomes(resource, image, 'NotFound');
    const { metadata } = await admin().get(`${cisas}/${resource}`);
    await eventually('an event names it', async () => {
      const events = await eventsOf(metadata.uid);
      return events.some(({ type, note }) => type === 'Warning' && note.includes(image));
    });
  });

  test('that is private is to each resource what the Secrets of its own Pods let see', async () => {
    const [right, wrong] = [await freshNamespace(), await freshNamespace()];
    const image = `${guarded.host}/team/private:1`;
    await storeSecret(right, 'pull');
    await storeSecret(wrong, 'pull', 'not the password');
    await createPod(right, image, pullsWith('pull'));
    await createPod(wrong, image, pullsWith('pull'));
    const [mayPull, mayNot] = [await watch([right]), await watch([wrong])];
    await becomes(mayPull, image, 'Available');
    await becomes(mayNot, image, 'InvalidAuth');
    await becomes(mayPull, image, 'Available');
  });

  test('whose Secret is missing says so, and heals when it appears, broken or not', async () => {
    const namespace = await freshNamespace();
    const image = `${guarded.host}/team/private:1`;
    await createPod(namespace, image, pullsWith('late'));
    const resource = await watch([namespace]);
    const missing = await becomes(resource, image, 'UnavailableSecret');
    expect(missing.lastError).toContain(`${namespace}/late`);
    await storeSecret(namespace, 'late', 'not the password');
    await becomes(resource, image, 'InvalidAuth');
    await admin().remove(`/api/v1/namespaces/${namespace}/secrets/late`);
    await storeSecret(namespace, 'late');
    await becomes(resource, image, 'Available');
  });

  test('that a Pod was rewritten to stands beside its original, and says which it is', async () => {
    const namespace = await freshNamespace();
    await pushImage(open, 'copies/team/private:2');
    const { body } = await admin().create(
      `/apis/kuik.enix.io/v1alpha1/namespaces/${namespace}/imagesetmirrors`,
      {
        apiVersion: 'kuik.enix.io/v1alpha1',
        kind: 'ImageSetMirror',
        metadata: { name: 'copies', namespace },
        spec: {
          imageFilter: { include: ['.*/team/private:.+'] },
          mirrors: [{ registry: open.host, path: '/copies' }],
        },
      },
    );
    expect(body.metadata.name).toBe('copies');
    const original = `${guarded.host}/team/private:2`;
    const url = `${operator.debugUrl}/debug/route?namespace=${namespace}&image=${original}`;
    await eventually('it has an alternative', async () => {
      const { candidates } = (await (await fetch(url)).json()) as { candidates: unknown[] };
      return candidates.length === 2;
    });
    await createPod(namespace, original);
    const resource = await watch([namespace]);
    const copy = `${open.host}/copies/team/private:2`;
    expect(await becomes(resource, copy, 'Available')).toMatchObject({ original: false });
    expect(await becomes(resource, original, 'InvalidAuth')).toMatchObject({ original: true });
  });
});

describe('an image that nobody uses any more', () => {
  test('is kept for ever where nothing else is said, and used again when a Pod comes', async () => {
    const namespace = await freshNamespace();
    const image = `${open.host}/team/app:2`;
    const pod = await createPod(namespace, image);
    const resource = await watch([namespace], { unusedImageExpiry: '0s' });
    await becomes(resource, image, 'Available');
    await remove(namespace, pod);
    const unused = await becomesUnused(resource, image);
    expect(Date.parse(unused.unusedSince ?? '')).toBeLessThanOrEqual(Date.now());
    await createPod(namespace, image);
    await eventually('it is used again', async () => {
      const entry = await entryOf(resource, image);
      return entry !== undefined && entry.unusedSince === undefined;
    });
  });

  test('expires after the time that its resource says', async () => {
    const namespace = await freshNamespace();
    const image = `${open.host}/team/app:3`;
    const pod = await createPod(namespace, image);
    const resource = await watch([namespace], { unusedImageExpiry: '1s' });
    await becomes(resource, image, 'Available');
    await remove(namespace, pod);
    await eventually('its entry is gone', async () => {
      const { status } = await admin().get(`${cisas}/${resource}`);
      return status.imageCount === 0;
    });
    const id = `tracked-image:${resource}/${image}`;
    expect((await fetch(`${operator.debugUrl}/debug/actors/${id}`)).status).toBe(404);
  });

  test('goes at once when a narrowed filter leaves it out, be it used or not', async () => {
    const namespace = await freshNamespace();
    const pod = await createPod(namespace, `${open.host}/team/app:1`);
    await createPod(namespace, `${open.host}/team/app:2`);
    await createPod(namespace, `${open.host}/team/app:3`);
    const resource = await watch([namespace]);
    await becomes(resource, `${open.host}/team/app:1`, 'Available');
    await remove(namespace, pod);
    await becomesUnused(resource, `${open.host}/team/app:1`);
    await admin().merge(`${cisas}/${resource}`, {
      spec: { imageFilter: { include: ['.+/team/app:3'] } },
    });
    await eventually('one is left', async () => {
      const { status } = await admin().get(`${cisas}/${resource}`);
      return status.imageCount === 1 && status.images[0].image.endsWith('app:3');
    });
  });
});

test('an operator that is killed goes on where it was: nothing is forgotten', async () => {
  const image = `${open.host}/team/app:1`;
  await createPod(shared, image);
  const resource = await watch([shared]);
  await becomes(resource, image, 'Available');
  const gone = `${open.host}/team/was-here:1`;
  const { digest } = await pushImage(open, 'team/was-here:1');
  const pod = await createPod(shared, gone);
  await becomes(resource, gone, 'Available');
  await remove(shared, pod);
  const before = await becomesUnused(resource, gone);
  const left = `${open.host}/team/app:2`;
  const [last, elsewhere] = [await createPod(shared, left), await freshNamespace()];
  await createPod(elsewhere, left);
  await becomes(resource, left, 'Available');
  await deleteManifest(open, 'team/was-here', digest);
  killed = process.kill(operator.pid, 'SIGKILL');
  // A Pod that nobody watches any more still runs it: that is no change of the filters.
  await remove(shared, last);
  const flags = ['--lease-duration=3s', '--renew-deadline=2s', '--retry-period=500ms'];
  const next = await startOperator({
    adminKubeconfig: adminKubeconfig(),
    config: { monitoring: { registries: { default: pace } } },
    replicaOf: operator,
    flags,
  });
  onTestFinished(next.stop);
  // The Lease of the one that was killed has to run out first.
  const after = await eventually(
    'the next leader has checked it',
    async () => {
      const entry = await entryOf(resource, gone);
      return entry?.status === 'NotFound' && entry;
    },
    { withinMs: 40_000 },
  );
  expect(after.unusedSince).toBe(before.unusedSince);
  await becomesUnused(resource, left);
});

async function remove(namespace: string, pod: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/pods/${pod}`;
  await admin().call('DELETE', path, { query: { gracePeriodSeconds: '0' } });
}
